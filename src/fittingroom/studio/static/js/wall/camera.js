// Where one looks from: the middle of the view in tile units, and pixels a tile.

export function fit(bounds, width, height, margin = 24) {
  const across = Math.max(1, bounds.right - bounds.left);
  const down = Math.max(1, bounds.bottom - bounds.top);
  const scale = Math.min((width - margin) / across, (height - margin) / down, 56);
  return { x: (bounds.left + bounds.right) / 2, y: (bounds.top + bounds.bottom) / 2, scale };
}

// Zoom by a factor so that the tile at a place of the canvas stays there.
export function zoomed(camera, factor, column, row, width, height, least) {
  const scale = Math.min(140, Math.max(least, camera.scale * factor));
  const dx = column - width / 2;
  const dy = row - height / 2;
  return { x: camera.x + dx / camera.scale - dx / scale, y: camera.y + dy / camera.scale - dy / scale, scale };
}

export function moved(camera, columns, rows, bounds) {
  const x = Math.min(bounds.right, Math.max(bounds.left, camera.x - columns / camera.scale));
  const y = Math.min(bounds.bottom, Math.max(bounds.top, camera.y - rows / camera.scale));
  return { ...camera, x, y };
}
