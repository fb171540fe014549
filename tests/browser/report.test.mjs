// What any page of ours promises: errors and requests none, readable without the script, by keyboard and screen reader.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { AXE, choose, launch, open, pages, shown, skip } from "./harness.mjs";

const PHONE = { width: 390, height: 844 };
// The script says what changed once the slider rests for half a second.
const SAID_MS = 3000;
let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

for (const [name, path] of Object.entries(pages)) {
  test(`${name}: no error, no request, no dialog`, { skip: skip(name) }, async () => {
    const { page, heard, close } = await open(browser, path);
    for (const what of ["kind", "method", "slm"]) {
      const control = page.locator(`[data-choose="${what}"]`);
      if (!await control.count()) continue;
      const options = await control.locator("option").count();
      for (let index = 0; index < options; index++) await choose(page, what, index);
      await choose(page, "stop", 1);
    }
    assert.deepEqual(heard, []);
    await close();
  });

  test(`${name}: axe finds nothing serious, in the light, and on a phone in the dark`, { skip: skip(name) }, async () => {
    for (const options of [{}, { ...PHONE, colorScheme: "dark" }]) {
      const { page, close } = await open(browser, path, options);
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
      const serious = violations.filter((of) => ["serious", "critical"].includes(of.impact));
      assert.deepEqual(serious.map((of) => [of.id, of.nodes.slice(0, 3).map((node) => node.html)]), [], JSON.stringify(options));
      await close();
    }
  });

  test(`${name}: nothing is wider than a phone`, { skip: skip(name) }, async () => {
    const { page, close } = await open(browser, path, PHONE);
    const wide = await page.evaluate(() => document.scrollingElement.scrollWidth);
    assert.ok(wide <= PHONE.width, `${wide} pixels`);
    await close();
  });
}

for (const name of ["pocket", "pairs", "hostile", "ungraded"]) {
  test(`${name}: the script changes nothing of what stands there without it`, { skip: skip(name) }, async () => {
    const [without, with_] = await Promise.all([open(browser, pages[name], { javaScriptEnabled: false }), open(browser, pages[name])]);
    assert.deepEqual(await shown(with_.page), await shown(without.page));
    assert.ok(await without.page.locator("#explore-controls").isHidden());
    assert.ok(await with_.page.locator("#explore-controls").isVisible());
    await Promise.all([without.close(), with_.close()]);
  });
}

test("a keyboard alone reaches everything", async () => {
  const { page, close } = await open(browser, pages.pairs);
  const all = await page.evaluate(() => {
    const found = [...document.querySelectorAll("a[href], select, input, summary, [tabindex='0']")];
    const reachable = found.filter((of) => of.checkVisibility() && !of.disabled);
    reachable.forEach((of, index) => { of.dataset.reach = index; });
    return reachable.length;
  });
  const reached = new Set();
  for (let step = 0; step < all + 10; step++) {
    await page.keyboard.press("Tab");
    const [index, outline] = await page.evaluate(() => [document.activeElement.dataset.reach, getComputedStyle(document.activeElement).outlineStyle]);
    if (index === undefined) continue;
    reached.add(index);
    assert.notEqual(outline, "none", `focus is seen on ${index}`);
  }
  assert.ok(all > 30);
  assert.equal(reached.size, all);
  // Lists and slider by arrows.
  for (const [what, key] of [["stop", "ArrowRight"], ["method", "ArrowDown"], ["kind", "ArrowDown"], ["slm", "ArrowDown"]]) {
    const before = await shown(page);
    await page.locator(`[data-choose="${what}"]`).focus();
    await page.keyboard.press(key);
    assert.notDeepEqual(await shown(page), before, what);
  }
  await close();
});

test("a screen reader hears what changed, once the slider rests", { skip: skip("pocket") }, async () => {
  const { page, close } = await open(browser, pages.pocket);
  const status = page.locator("#explore-status");
  assert.equal(await status.textContent(), "");
  await page.locator("[data-choose='stop']").focus();
  await page.keyboard.press("ArrowRight");
  const { gain } = await shown(page);
  await page.waitForFunction(() => document.getElementById("explore-status").textContent !== "", null, { timeout: SAID_MS });
  assert.ok((await status.textContent()).startsWith(gain[0]));
  const said = await page.locator("[data-choose='stop']").getAttribute("aria-valuetext");
  assert.match(said, /^routing_ratio=0\.31, not in the thresholds file$/);
  await close();
});

test("printed, the page has the figure and the tables of the setting, and no controls", { skip: skip("pocket") }, async () => {
  const { page, close } = await open(browser, pages.pocket);
  await page.emulateMedia({ media: "print" });
  assert.ok(await page.locator("#explore-controls").isHidden());
  assert.ok(await page.locator("#explore figure").isVisible());
  assert.ok(await page.locator("#explore [aria-label='Held-out datasets at this setting'] tbody tr").first().isVisible());
  await close();
});

test("screenshots for people to look at", { skip: skip("pocket") }, async () => {
  const looks = [["1280", {}], ["390", PHONE], ["390-dark", { ...PHONE, colorScheme: "dark" }]];
  for (const [name, options] of looks) {
    const { page, close } = await open(browser, pages.pocket, options);
    await page.screenshot({ path: join(process.env.OUT, `report-${name}.png`) });
    await page.locator("#explore").screenshot({ path: join(process.env.OUT, `explore-${name}.png`) });
    await close();
  }
});
