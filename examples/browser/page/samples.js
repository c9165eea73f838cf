/** Draws pictures, for visitors that have none at hand. */
export function drawPictures(count) {
  return Promise.all(Array.from({ length: count }, (_, index) => drawPicture(index)));
}

async function drawPicture(index) {
  const canvas = new OffscreenCanvas(1600, 1200);
  const context = canvas.getContext('2d');
  const hue = (index * 47) % 360;
  const sky = context.createLinearGradient(0, 0, 0, 1200);
  sky.addColorStop(0, `hsl(${hue} 60% 30%)`);
  sky.addColorStop(1, `hsl(${hue + 60} 70% 75%)`);
  context.fillStyle = sky;
  context.fillRect(0, 0, 1600, 1200);
  context.fillStyle = `hsl(${hue + 40} 90% 85%)`;
  context.beginPath();
  context.arc(300 + ((index * 331) % 1000), 300, 110, 0, 7);
  context.fill();
  for (let ridge = 0; ridge < 5; ridge++) {
    context.fillStyle = `hsl(${hue + 180} 30% ${50 - ridge * 9}%)`;
    context.beginPath();
    context.moveTo(0, 1200);
    for (let x = 0; x <= 1600; x += 4) {
      const wave = Math.sin(x / (90 + ridge * 30) + index + ridge * 2) * (90 - ridge * 10);
      context.lineTo(x, 560 + ridge * 120 + wave + Math.sin(x / 23 + index) * 14);
    }
    context.lineTo(1600, 1200);
    context.fill();
  }
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.95 });
  return new File([blob], `drawn ${index + 1}.jpg`, { type: blob.type });
}
