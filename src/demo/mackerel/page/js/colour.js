// Colours that can be told apart on the page's ground, light or dark. A group has the same colour in
// every graph of a page.

const HUES = [250, 30, 150, 320, 80, 200, 5, 110, 285, 55, 175, 225];
const GOLDEN_ANGLE = 137.508;

const dark = matchMedia("(prefers-color-scheme: dark)");
const groups = new Map();

/** The colour of a line: of its group, or without one of its place in the graph. */
export function colour(line, place, alpha = 1) {
  if (line.group !== null && !groups.has(line.group)) groups.set(line.group, groups.size);
  const number = line.group === null ? place : groups.get(line.group);
  const hue = HUES[number] ?? (number * GOLDEN_ANGLE) % 360;
  // Beyond the chosen hues neighbours differ in lightness too.
  const step = number < HUES.length ? 0 : ((number % 3) - 1) * 0.08;
  const [lightness, chroma] = dark.matches ? [0.76, 0.13] : [0.58, 0.17];
  return `oklch(${lightness + step} ${chroma} ${hue} / ${alpha})`;
}

/** A colour of the style sheet by name. */
export function styleColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Calls back when the person changes between light and dark. */
export function onScheme(callback) {
  dark.addEventListener("change", callback);
}
