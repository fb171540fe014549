// The released tables, read without any code of ours: what the explorer must show.
import { readFileSync, readdirSync } from "node:fs";
import { imported, released } from "./harness.mjs";

const { asyncBufferFromFile } = await imported("hyparquet/src/node.js");
const { parquetReadObjects } = await imported("hyparquet/src/index.js");
const { compressors } = await imported("hyparquet-compressors/src/index.js");

const table = async (name) => parquetReadObjects({ file: await asyncBufferFromFile(released(`tables/${name}.parquet`)), compressors });
const [curves, transfer, transferCurves] = await Promise.all(["curves", "transfer", "transfer_curves"].map(table));
const thresholds = readdirSync(released(".")).filter((name) => name.endsWith(".thresholds.json"))
  .map((name) => JSON.parse(readFileSync(released(name), "utf8")));

const near = (a, b) => Math.abs(a - b) < 1e-9;
const mean = (values) => {
  const known = values.filter((value) => value !== null && value !== undefined);
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
};

// Kind and value of a target as `kind=value` or `kind=alpha:delta` says them.
const targetOf = (text) => {
  const [kind, value] = text.split("=");
  const [first, delta] = value.split(":").map(Number);
  return { kind, value: first, delta };
};

const sameModels = (row, slm, llm, method) => row.slm === slm && (row.llm ?? null) === llm && row.method === method;

// The curve that the pool has, by its grid.
export const curveOf = (slm, llm, method) => curves
  .filter((row) => row.dataset === "*" && sameModels(row, slm, llm, method)).sort((a, b) => a.grid_ratio - b.grid_ratio);

export const pointOf = (slm, method, target) => {
  const wanted = targetOf(target);
  const points = thresholds.find((file) => file.slm.id === slm).methods.find((of) => of.id === method).operating_points;
  return points.find(({ target: of }) => of.kind === wanted.kind && (of.delta ?? undefined) === wanted.delta &&
    near(of.value ?? of.usd_per_1k_questions ?? of.alpha, wanted.value)) ?? null;
};

// Which point of the curve a target asks for, by its definition.
export function asked(rows, target, point) {
  const { kind, value } = targetOf(target);
  const first = (holds) => rows.find(holds) ?? null;
  const nearest = (ratio) => rows.reduce((best, row) => Math.abs(row.grid_ratio - ratio) < Math.abs(best.grid_ratio - ratio) ? row : best);
  if (kind === "routing_ratio") return nearest(value);
  if (kind === "accuracy") return first((row) => row.accuracy >= value - 1e-9);
  if (kind === "llm_gap") return first((row) => row.always_llm_accuracy - row.accuracy <= value + 1e-9);
  if (kind === "cost") {
    return rows.filter((row) => row.usd_per_1k_questions <= value + 1e-9)
      .reduce((best, row) => (best === null || row.accuracy > best.accuracy ? row : best), null);
  }
  return point?.achieved ? nearest(point.achieved.routing_ratio.value) : null;
}

// Predicted, true and own accuracy, predicted and true ratio of each held-out dataset.
export function heldOutOf(slm, llm, method, target, row) {
  const { kind, value, delta } = targetOf(target);
  const own = transfer.filter((of) => of.by === "dataset" && sameModels(of, slm, llm, method));
  const fitted = own.filter((of) => of.target_kind === kind && near(of.target_value, value) && (of.target_delta ?? undefined) === delta);
  const names = [...new Set(own.map((of) => of.held_out))].sort();
  if (kind !== "routing_ratio" && fitted.length) {
    const columns = ["predicted_accuracy", "accuracy", "oracle_accuracy", "predicted_routing_ratio", "achieved_routing_ratio"];
    return names.map((name) => [name, ...columns.map((column) => mean(fitted.filter((of) => of.held_out === name).map((of) => of[column])))]);
  }
  if (!row) return [];
  const points = transferCurves.filter((of) => of.by === "dataset" && sameModels(of, slm, llm, method) && near(of.grid_ratio, row.grid_ratio));
  const columns = ["predicted_accuracy", "transferred_accuracy", "own_accuracy", "predicted_routing_ratio", "achieved_routing_ratio"];
  return names.map((name) => [name, ...columns.map((column) => points.find((of) => of.held_out === name)?.[column] ?? null)]);
}
