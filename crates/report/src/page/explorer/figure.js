// The figure of a setting, by the arithmetic of figure.rs. Colours and dashes are those that the page came with.
var FRAME = [50, 438, 14, 244], SPAN = [150, 438], ROW = 17, HEAD = 14, FOOT = 42, LETTERS = 18, STEP = 50, HEIGHT = 286;

function px(value) { return String(Math.round(value * 10) / 10); }
function x(value) { return FRAME[0] + value * (FRAME[1] - FRAME[0]) / 1000; }
function across(value) { return SPAN[0] + value * (SPAN[1] - SPAN[0]) / 1000; }
function scaleOf(curve) {
  var values = curve.accuracy.concat(curve.low, curve.high, curve.random, [curve.slm, curve.llm]).filter(known);
  var low = Math.floor(Math.min.apply(null, values) / STEP) * STEP;
  var high = Math.max(Math.ceil(Math.max.apply(null, values) / STEP) * STEP, low + STEP);
  return { low: low, high: high, step: high - low > 400 ? 2 * STEP : STEP };
}
function y(scale, value) { return FRAME[2] + (scale.high - value) * (FRAME[3] - FRAME[2]) / (scale.high - scale.low); }

function path(ratio, column, scale) {
  var d = "";
  ratio.forEach(function (ratio, index) {
    if (known(ratio) && known(column[index])) d += (d ? "L" : "M") + px(x(ratio)) + " " + px(y(scale, column[index]));
  });
  return d;
}
function band(curve, scale) {
  var low = path(curve.ratio.slice().reverse(), curve.low.slice().reverse(), scale), high = path(curve.ratio, curve.high, scale);
  return low && high ? high + low.replace("M", "L") + "Z" : "";
}

function element(name, attributes, label) {
  var made = document.createElementNS(document.getElementById("explore-gain").namespaceURI, name);
  Object.keys(attributes).forEach(function (key) { made.setAttribute(key, attributes[key]); });
  if (label !== undefined) made.textContent = label;
  return made;
}

function axes(setting, scale, marks) {
  for (var value = scale.low; value <= scale.high; value += scale.step) {
    var height = px(y(scale, value));
    marks.push(element("path", { d: "M" + FRAME[0] + " " + height + "H" + FRAME[1], stroke: INK.grid }));
    marks.push(element("text", { x: FRAME[0] - 6, y: height, dy: 4, "text-anchor": "end", fill: INK.text }, value / 10 + "%"));
  }
  [0, 200, 400, 600, 800, 1000].forEach(function (value) {
    marks.push(element("text", { x: px(x(value)), y: FRAME[3] + 16, "text-anchor": "middle", fill: INK.text }, value / 10 + "%"));
  });
  var what = setting.method.of_kept ? "accuracy of what is kept" : "accuracy";
  marks.push(element("text", { x: px((FRAME[0] + FRAME[1]) / 2), y: FRAME[3] + 34, "text-anchor": "middle", fill: INK.text },
    what + ", against the share deferred"));
}

function drawGain(setting) {
  var curve = setting.method.curve, scale = scaleOf(curve), marks = [];
  axes(setting, scale, marks);
  marks.push(element("path", { d: band(curve, scale), fill: INK.main, opacity: 0.18 }));
  [["slm", curve.slm], ["llm", curve.llm]].forEach(function (level) {
    if (!known(level[1])) return;
    marks.push(element("path", { d: "M" + FRAME[0] + " " + px(y(scale, level[1])) + "H" + FRAME[1], stroke: INK[level[0]],
      "stroke-width": 1.5, "stroke-dasharray": INK[level[0] + "_dashes"], fill: "none" }));
  });
  marks.push(element("path", { d: path(curve.ratio, curve.random, scale), stroke: INK.random, "stroke-width": 1.5,
    "stroke-dasharray": INK.random_dashes, fill: "none" }));
  marks.push(element("path", { d: path(curve.ratio, curve.accuracy, scale), stroke: INK.main, "stroke-width": 2.5, fill: "none" }));
  var ratio = at(setting, curve.ratio), accuracy = at(setting, curve.accuracy);
  if (ratio !== null && accuracy !== null) {
    var left = px(x(ratio)), top = px(y(scale, accuracy)), isRight = ratio > 700;
    marks.push(element("path", { d: "M" + left + " " + FRAME[2] + "V" + FRAME[3], stroke: INK.text, "stroke-dasharray": "1 3" }));
    marks.push(element("circle", { cx: left, cy: top, r: 5.5, fill: INK.text }));
    marks.push(element("text", { x: left, y: top, dx: isRight ? -9 : 9, dy: 17, "text-anchor": isRight ? "end" : "start",
      "font-weight": 600, fill: INK.text }, text(accuracy)));
  }
  frame("gain", gain(setting), HEIGHT, marks);
}

function drawTransfer(setting) {
  var held = heldOut(setting), end = HEAD + ROW * held.length, marks = [];
  var ofRatio = held.every(function (of) { return !known(of.row[0]); });
  [0, 250, 500, 750, 1000].forEach(function (value) {
    var left = px(across(value));
    marks.push(element("path", { d: "M" + left + " " + HEAD + "V" + end, stroke: INK.grid }));
    marks.push(element("text", { x: left, y: end + 16, "text-anchor": "middle", fill: INK.text }, value / 10 + "%"));
  });
  marks.push(element("text", { x: px((SPAN[0] + SPAN[1]) / 2), y: end + 34, "text-anchor": "middle", fill: INK.text },
    (ofRatio ? "share deferred" : "accuracy") + " of held-out datasets"));
  held.forEach(function (of, index) {
    dumbbell(marks, of.name, HEAD + ROW * (index + 0.5), ofRatio ? of.row[3] : of.row[0], ofRatio ? of.row[4] : of.row[1]);
  });
  frame("transfer", holds(setting).text, end + FOOT, marks);
}

function dumbbell(marks, name, height, predicted, own) {
  var letters = Array.from(name), label = letters.length <= LETTERS ? name : letters.slice(0, LETTERS - 1).join("") + "…";
  marks.push(element("text", { x: SPAN[0] - 8, y: height, dy: 4, "text-anchor": "end", fill: INK.text }, label));
  if (!known(predicted) || !known(own)) return;
  var from = px(across(predicted)), to = px(across(own));
  marks.push(element("path", { d: "M" + from + " " + height + "H" + to, stroke: INK.main, "stroke-width": 2 }));
  marks.push(element("circle", { cx: from, cy: height, r: 4.5, fill: INK.paper, stroke: INK.slm, "stroke-width": 2 }));
  marks.push(element("circle", { cx: to, cy: height, r: 4.5, fill: INK.main }));
}

function frame(name, label, height, marks) {
  var svg = document.getElementById("explore-" + name);
  svg.setAttribute("aria-label", label);
  svg.setAttribute("viewBox", "0 0 460 " + height);
  svg.replaceChildren.apply(svg, marks);
}
