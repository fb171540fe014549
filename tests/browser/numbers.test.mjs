// The explorer's numbers are those of the tables: of the Parquet files and the thresholds file, read by other programs, at
// random settings; and of the tables of the page, to the letter.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { choose, launch, open, pages, randomFrom, shown, skip } from "./harness.mjs";
import { asked, curveOf, heldOutOf, pointOf } from "./tables.mjs";

const SETTINGS = 50, SEED = 23;
let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

// A text is a number, to as many digits as it shows: halves may be rounded either way.
function isRounded(text, value, what) {
  if (value === null || value === undefined || Number.isNaN(value)) return assert.equal(text, "–", what);
  const digits = (text.split(".")[1] ?? "").length;
  assert.ok(digits >= 3 && Math.abs(Number(text) - value) <= 0.5 * 10 ** -digits + 1e-12, `${what}: ${text} for ${value}`);
}
// `value [low, high]`, or the value alone.
function isWithin(text, [value, low, high], what) {
  const [own, ...limits] = text.replace(/[[\],]/g, "").split(" ");
  isRounded(own, value, what);
  assert.equal(limits.length, low !== null && low !== undefined && value !== null && value !== undefined ? 2 : 0, `${what}: ${text}`);
  limits.forEach((limit, index) => isRounded(limit, [low, high][index], what));
}
const estimate = (of) => (of ? [of.value, of.low, of.high] : [null]);
const target = (lines) => /--target (\S+)/.exec(lines[0])?.[1] ?? /threshold for (\S+)\.$/.exec(lines[0])[1];

async function randomSetting(page, random) {
  for (const what of ["slm", "llm", "method", "kind"]) {
    const options = await page.locator(`[data-choose="${what}"] option`).count();
    await choose(page, what, Math.floor(random() * options));
  }
  const max = Number(await page.locator("[data-choose='stop']").getAttribute("max"));
  await choose(page, "stop", Math.floor(random() * (max + 1)));
  const text = (what) => page.locator(`[data-choose="${what}"]`).evaluate((list) => list.selectedOptions[0].textContent);
  return { slm: await text("slm"), llm: await text("llm"), method: (await text("method")).replace(" (ranks best)", "") };
}

function checkFile(row, point) {
  isRounded(row[1], point?.threshold, "threshold of the file");
  const achieved = point?.achieved;
  const columns = [achieved?.routing_ratio, achieved?.accuracy, achieved?.selective_error, achieved?.usd_per_1k_questions];
  columns.forEach((of, index) => isWithin(row[index + 2], estimate(of), `column ${index + 2} of the file`));
}
function checkPool(rows, point) {
  isRounded(rows[1][1], point?.threshold, "threshold of the pool");
  isRounded(rows[1][2], point?.routing_ratio, "deferred on the pool");
  isWithin(rows[1][3], [point?.accuracy, point?.accuracy_low, point?.accuracy_high], "accuracy on the pool");
  isRounded(rows[1][4], point && point.kept_accuracy !== null && point.kept_accuracy !== undefined ? 1 - point.kept_accuracy : null, "error of the kept");
  isRounded(rows[1][5], point?.usd_per_1k_questions, "cost on the pool");
  isRounded(rows[2][3], point?.random_accuracy, "accuracy at random");
  isRounded(rows[2][5], point?.random_usd_per_1k_questions, "cost at random");
}

test(`${SETTINGS} random settings show the numbers of the tables`, { skip: skip("pocket") }, async () => {
  const { page, heard, close } = await open(browser, pages.pocket);
  const random = randomFrom(SEED);
  const seen = new Set();
  for (let setting = 0; setting < SETTINGS; setting++) {
    const { slm, llm, method } = await randomSetting(page, random);
    const now = await shown(page);
    const wanted = target(now.ask);
    const what = `${slm}, ${llm}, ${method}, ${wanted}`;
    seen.add(wanted.split("=")[0]);
    const rows = curveOf(slm, llm, method);
    assert.equal(rows.length, 101, what);
    const point = pointOf(slm, method, wanted);
    const row = asked(rows, wanted, point);
    checkFile(now.rows[0], point);
    checkPool(now.rows, row);
    isRounded(now.rows[3][3], rows[0].always_slm_accuracy, "SLM alone");
    isRounded(now.rows[4][3], rows[0].always_llm_accuracy, "LLM alone");
    const held = heldOutOf(slm, llm, method, wanted, row);
    assert.deepEqual(now.heldOut.map((of) => of[0]), held.map((of) => of[0]), what);
    held.forEach((of, index) => of.slice(1).forEach((value, column) => isRounded(now.heldOut[index][column + 1], value, `${what}, ${of[0]}`)));
    checkSentences(now, row);
  }
  assert.deepEqual(heard, []);
  assert.equal(seen.size, 6, `every kind of target was among them: ${[...seen]}`);
  await close();
});

// The sentences have the numbers of the rows below them.
function checkSentences({ gain: [gain], holds: [holds], rows, heldOut }, row) {
  if (!row) return assert.match(gain, /^No threshold of /);
  assert.ok(gain.includes(` ${rows[1][3]}: `) && gain.includes(`gives ${rows[2][3]}.`), gain);
  assert.ok(gain.startsWith(`Deferring ${(Number(rows[1][2]) * 100).toFixed(1)} %`), gain);
  const off = heldOut.filter((of) => of[1] !== "–" && of[2] !== "–").map((of) => Math.abs(Math.round((Number(of[1]) - Number(of[2])) * 1000)));
  if (!off.length) return;
  const average = Math.floor((2 * off.reduce((sum, value) => sum + value, 0) + off.length) / (2 * off.length));
  assert.ok(holds.includes(`by ${(average / 10).toFixed(1)} points on average, at worst by ${(Math.max(...off) / 10).toFixed(1)} on `), holds);
}

test("every operating point is shown as its table in the page writes it", { skip: skip("pocket") }, async () => {
  const { page, close } = await open(browser, pages.pocket);
  const kinds = await page.locator("[data-choose='kind'] option").count();
  let points = 0;
  for (let kind = 0; kind < kinds; kind++) {
    await choose(page, "kind", kind);
    const ticks = await page.locator("#explore-fitted option").evaluateAll((options) => options.map((option) => Number(option.value)));
    for (const stop of ticks) {
      await choose(page, "stop", stop);
      const { ask, rows } = await shown(page);
      const method = /--method (\S+)/.exec(ask[0])?.[1];
      if (!method) continue;
      const cells = await page.evaluate(([method, wanted]) => {
        const line = [...document.querySelectorAll(`[aria-label="Operating points of ${method}"] tbody tr`)]
          .find((line) => line.cells[0].textContent === wanted);
        return [...line.cells].map((cell) => cell.textContent);
      }, [method, target(ask)]);
      assert.deepEqual(rows[0].slice(1), cells.slice(2, 7));
      points++;
    }
  }
  assert.ok(points >= 14, `${points} points`);
  await close();
});
