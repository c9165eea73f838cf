// Jest's documented way to `import`: see "Using Babel" in its getting started.
module.exports = { presets: [['@babel/preset-env', { targets: { node: 'current' } }]] };
