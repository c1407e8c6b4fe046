// Values as text in the units of graph definitions. Bytes have prefixes of 1,024 and bits of 1,000:
// how Mackerel's own page counts is not documented.

const BINARY = [1024, ["", "Ki", "Mi", "Gi", "Ti", "Pi"]];
const DECIMAL = [1000, ["", "k", "M", "G", "T", "P"]];

const UNITS = {
  percentage: { suffix: " %" },
  seconds: { suffix: " s" },
  milliseconds: { suffix: " ms" },
  bytes: { suffix: "B", prefixes: BINARY },
  "bytes/sec": { suffix: "B/s", prefixes: BINARY },
  "bits/sec": { suffix: "bit/s", prefixes: DECIMAL },
  iops: { suffix: " IOPS" },
};

const SHORT = { percentage: "%", seconds: "s", milliseconds: "ms", bytes: "bytes", "bytes/sec": "bytes/s", "bits/sec": "bits/s", iops: "IOPS", integer: "", float: "" };

/** A value with its unit, to about four digits. */
export function format(value, unit) {
  if (value === null || value === undefined) return "–";
  const { suffix = "", prefixes } = UNITS[unit] ?? {};
  if (!prefixes) return (Math.abs(value) >= 1e6 && unit !== "integer" ? scaled(value, DECIMAL, "") : digits(value)) + suffix;
  return scaled(value, prefixes, " ") + suffix;
}

/** The unit alone, as it stands above a graph. */
export function unitName(unit) {
  return SHORT[unit] ?? unit;
}

/** Distances between the lines of a grid that give round values, or the library's own. */
export function increments(unit) {
  if (unit === "integer") return [1, 2, 5].flatMap((n) => range10(n)).sort((a, b) => a - b);
  if (UNITS[unit]?.prefixes === BINARY) return Array.from({ length: 60 }, (_, power) => 2 ** power);
  return undefined;
}

function range10(n) {
  return Array.from({ length: 16 }, (_, power) => n * 10 ** power);
}

function scaled(value, [base, names], blank) {
  const power = Math.min(Math.max(Math.floor(Math.log(Math.abs(value)) / Math.log(base)), 0), names.length - 1);
  const place = Number.isFinite(power) ? power : 0;
  return `${digits(value / base ** place)}${blank}${names[place]}`;
}

function digits(value) {
  const size = Math.abs(value);
  const places = size >= 100 ? 1 : size >= 1 || size === 0 ? 2 : 4;
  return value.toLocaleString("en-US", { maximumFractionDigits: places });
}
