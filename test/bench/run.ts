// npm run bench            prints everything
// npm run bench -- core    prints one part
const parts = ['core', 'wasm', 'workers'];
const [wanted = ''] = process.argv.slice(2);
if (wanted !== '' && !parts.includes(wanted)) {
  throw new TypeError(`bench: there is no part ${wanted}; accepted: ${parts.join(', ')}`);
}
console.log(`Node.js ${process.versions.node}, V8 ${process.versions.v8}, ${process.arch}`);
for (const part of parts) {
  if (wanted === '' || wanted === part) await import(`./${part}.ts`);
}
