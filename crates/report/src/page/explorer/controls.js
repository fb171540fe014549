// The lists and the slider, and what changes with them. Only texts are written: a name is never read as markup.
var KINDS = {
  routing_ratio: "routing ratio", accuracy: "accuracy", llm_gap: "gap to the LLM", cost: "cost, US dollars per 1,000 questions",
  selective_error: "risk: SLM wrong, of the kept", joint_error: "risk: SLM wrong and kept", regret: "risk: regret"
};
var QUIET_MS = 500;
var source = document.getElementById("explore-data"), box = document.getElementById("explore-controls");
if (!source || !box) return;
var data = JSON.parse(source.textContent), chosen, quiet;
var choose = {};
[].forEach.call(box.querySelectorAll("[data-choose]"), function (control) { choose[control.dataset.choose] = control; });

function fill(select, labels, index) {
  select.replaceChildren.apply(select, labels.map(function (label) {
    var option = document.createElement("option");
    option.textContent = label;
    return option;
  }));
  select.selectedIndex = index;
}
function unique(names) { return names.filter(function (name, index) { return names.indexOf(name) === index; }); }
function llmName(pair) { return pair.llm === null ? "none" : pair.llm; }
function ofSlm(slm) { return data.pairs.filter(function (pair) { return pair.slm === slm; }); }

function kindOf() { return method().kinds[chosen.kind]; }
function method() { return data.pairs[chosen.pair].methods[chosen.method]; }
function settingOf() {
  return { pair: data.pairs[chosen.pair], method: method(), kind: kindOf().kind, stop: kindOf().stops[chosen.stop] };
}
// The index of a name, or the first.
function indexOf(names, name) { return Math.max(0, names.indexOf(name)); }
// The stop of a kind that is nearest to a value.
function nearest(kind, value) {
  var best = 0;
  kind.stops.forEach(function (stop, index) {
    if (Math.abs(parseFloat(stop.text) - value) < Math.abs(parseFloat(kind.stops[best].text) - value)) best = index;
  });
  return best;
}

// Another method or pair keeps what can be kept of the setting.
function move(pair, methodIndex, keep) {
  chosen.pair = pair;
  chosen.method = methodIndex;
  var kinds = method().kinds.map(function (kind) { return kind.kind; });
  chosen.kind = indexOf(kinds, keep.kind);
  chosen.stop = nearest(kindOf(), parseFloat(keep.stop.text));
}

function fillLists() {
  var pair = data.pairs[chosen.pair], slms = unique(data.pairs.map(function (pair) { return pair.slm; }));
  fill(choose.slm, slms, slms.indexOf(pair.slm));
  fill(choose.llm, ofSlm(pair.slm).map(llmName), ofSlm(pair.slm).indexOf(pair));
  fill(choose.method, pair.methods.map(function (of, index) { return of.id + (index === pair.best ? " (ranks best)" : ""); }), chosen.method);
  fill(choose.kind, method().kinds.map(function (of) { return KINDS[of.kind] || of.kind; }), chosen.kind);
  choose.stop.max = kindOf().stops.length - 1;
  choose.stop.value = chosen.stop;
  choose.stop.disabled = kindOf().stops.length < 2;
  var ticks = document.getElementById("explore-fitted");
  ticks.replaceChildren.apply(ticks, kindOf().stops.map(function (stop, index) {
    var option = document.createElement("option");
    option.value = stop.point === null ? "" : index;
    return option;
  }).filter(function (option) { return option.value !== ""; }));
}

function fillTable(label, lines) {
  var body = document.querySelector("#explore [aria-label=\"" + label + "\"] tbody");
  body.replaceChildren.apply(body, lines.map(function (cells) {
    var line = document.createElement("tr");
    cells.forEach(function (text, index) {
      var cell = document.createElement(index ? "td" : "th");
      if (!index) cell.setAttribute("scope", "row");
      cell.textContent = text;
      line.appendChild(cell);
    });
    return line;
  }));
}

function show() {
  var setting = settingOf(), held = holds(setting), own = document.getElementById("explore-holds");
  var label = setting.kind + "=" + setting.stop.text +
    (setting.stop.point === null ? ", not in the thresholds file" : ", in the thresholds file");
  document.getElementById("explore-value").textContent = label;
  choose.stop.setAttribute("aria-valuetext", label);
  document.getElementById("explore-gain-text").textContent = gain(setting);
  own.className = held.caution ? "caution" : "holds";
  own.querySelector("b").textContent = held.caution ? "Caution:" : "Holds:";
  own.querySelector("span").textContent = held.text;
  document.getElementById("explore-guarantee").textContent = guarantee(setting);
  drawGain(setting);
  drawTransfer(setting);
  fillTable("This setting", rows(setting));
  fillTable("Held-out datasets at this setting", heldOut(setting).map(function (of) { return [of.name].concat(of.row.map(text)); }));
  var lines = ask(setting);
  ["Command line", "Python", "Rust"].forEach(function (name, index) {
    document.querySelector("#explore pre[aria-label=\"" + name + "\"] code").textContent = lines[index];
  });
}
// Said once the slider rests: a reader that speaks each step would never end.
function say() {
  clearTimeout(quiet);
  quiet = setTimeout(function () {
    var setting = settingOf(), held = holds(setting);
    document.getElementById("explore-status").textContent = gain(setting) + (held.caution ? " Caution: " : " Holds: ") + held.text;
  }, QUIET_MS);
}

box.addEventListener("input", function (event) {
  var keep = settingOf(), what = event.target.dataset.choose;
  if (what === "slm") {
    var first = data.pairs.indexOf(ofSlm(unique(data.pairs.map(function (pair) { return pair.slm; }))[choose.slm.selectedIndex])[0]);
    move(first, data.pairs[first].best, keep);
  } else if (what === "llm") {
    var pair = data.pairs.indexOf(ofSlm(keep.pair.slm)[choose.llm.selectedIndex]);
    move(pair, data.pairs[pair].best, keep);
  } else if (what === "method") {
    move(chosen.pair, choose.method.selectedIndex, keep);
  } else if (what === "kind") {
    chosen.kind = choose.kind.selectedIndex;
    chosen.stop = middle(kindOf());
  } else if (what === "stop") {
    chosen.stop = Number(choose.stop.value);
  }
  if (what !== "stop") fillLists();
  show();
  say();
});
// Of another kind, the operating point in the middle: a value of the other kind means nothing here.
function middle(kind) {
  var fitted = kind.stops.map(function (stop, index) { return stop.point === null ? -1 : index; }).filter(function (index) { return index >= 0; });
  return fitted.length ? fitted[Math.floor(fitted.length / 2)] : Math.floor(kind.stops.length / 2);
}

chosen = { pair: data.start.pair, method: data.start.method, kind: data.start.kind, stop: data.start.stop };
fillLists();
show();
box.hidden = false;
