// One setting in words and rows: what setting.rs says of the first one. Shares are thousandths, so that arithmetic is exact.
var NONE = "–", FAR = 50;
var UNKNOWN = "Not known: nothing was held out here. Thresholds may not fit other data.";
var CUT = "Not on this page, which would be too large: it has the curves of held-out datasets of the method that ranks best. " +
  "All are in tables/transfer_curves.parquet.";

function text(value) { return value === null || value === undefined ? NONE : (value / 1000).toFixed(3); }
function points(value) { return (value / 10).toFixed(1); }
function known(value) { return value !== null && value !== undefined; }
function within(value, low, high) {
  return known(value) && known(low) && known(high) ? text(value) + " [" + text(low) + ", " + text(high) + "]" : text(value);
}
function pointOf(setting) { return setting.stop.point === null ? null : setting.method.points[setting.stop.point]; }
function at(setting, column) {
  var value = setting.stop.grid === null ? null : column[setting.stop.grid];
  return known(value) ? value : null;
}
function amount(setting, column) { return setting.stop.grid === null ? NONE : column[setting.stop.grid] || NONE; }

function gain(setting) {
  var curve = setting.method.curve, slm = setting.pair.slm, llm = setting.pair.llm === null ? "the LLM" : setting.pair.llm;
  var ratio = at(setting, curve.ratio), accuracy = at(setting, curve.accuracy);
  if (ratio === null || accuracy === null) {
    return "No threshold of " + setting.method.id + " reaches " + setting.kind + "=" + setting.stop.text + ".";
  }
  if (setting.method.of_kept) {
    return "Deferring " + points(ratio) + " % of the questions, by " + setting.method.id + ", " + slm + " is right on " +
      points(accuracy) + " % of those that it keeps.";
  }
  var over = curve.slm === null ? 0 : accuracy - curve.slm;
  return "Deferring " + points(ratio) + " % of the questions to " + llm + ", by " + setting.method.id + ", gives an accuracy of " +
    within(accuracy, at(setting, curve.low), at(setting, curve.high)) + ": " + points(Math.abs(over)) + " points " +
    (over < 0 ? "below " : "above ") + slm + " alone (" + text(curve.slm) + "); deferring as many at random gives " +
    text(at(setting, curve.random)) + ".";
}

function heldOut(setting) {
  var point = pointOf(setting), named = setting.method.held_out;
  if (point && point.held_out.length) {
    return named.map(function (of, index) { return { name: of.name, row: point.held_out[index] }; });
  }
  return named.map(function (of) {
    var columns = [of.predicted, of.accuracy, of.own, of.predicted_ratio, of.ratio];
    return { name: of.name, row: columns.map(function (column) { return at(setting, column); }) };
  }).filter(function (of) { return of.row.some(known); });
}

function distances(rows, predicted, own) {
  return rows.filter(function (of) { return known(of.row[predicted]) && known(of.row[own]); }).map(function (of) {
    return { value: Math.abs(of.row[predicted] - of.row[own]), name: of.name };
  });
}
function mean(values) {
  var sum = values.reduce(function (sum, of) { return sum + of.value; }, 0);
  return values.length ? Math.floor((2 * sum + values.length) / (2 * values.length)) : null;
}
function datasets(number) { return number === 1 ? "1 held-out dataset" : number + " held-out datasets"; }

function holds(setting) {
  var rows = heldOut(setting), accuracy = distances(rows, 0, 1), ratio = distances(rows, 3, 4);
  if (!ratio.length) {
    return { caution: true, text: setting.method.is_cut ? CUT : UNKNOWN };
  }
  var off = mean(accuracy), far = (off !== null && off > FAR) || mean(ratio) > FAR, said;
  if (accuracy.length) {
    var worst = accuracy.reduce(function (worst, other) { return other.value > worst.value ? other : worst; });
    said = "With thresholds from the other datasets, the accuracy on " + datasets(accuracy.length) + " is off its prediction by " +
      points(off) + " points on average, at worst by " + points(worst.value) + " on " + worst.name + "; the share deferred is off by " +
      points(mean(ratio)) + " points.";
  } else {
    said = "With thresholds from the other datasets, the share deferred on " + datasets(ratio.length) +
      " is off its prediction by " + points(mean(ratio)) + " points on average.";
  }
  var point = pointOf(setting), violations = point && point.violations;
  if (violations) {
    said += " The risk exceeded its bound in " + violations[0] + " of " + violations[1] + " splits; delta allows " +
      points(violations[2]) + " %.";
    far = far || violations[0] * 1000 > violations[2] * violations[1];
  }
  return { caution: far, text: said };
}

function rows(setting) {
  var curve = setting.method.curve, point = pointOf(setting);
  var file = point ? point.cells : [NONE, NONE, NONE, NONE, NONE];
  return [
    ["thresholds file"].concat(file),
    ["routing curve", amount(setting, curve.threshold), text(at(setting, curve.ratio)),
      within(at(setting, curve.accuracy), at(setting, curve.low), at(setting, curve.high)),
      text(at(setting, curve.kept_error)), amount(setting, curve.usd)],
    ["at random", NONE, text(at(setting, curve.ratio)), text(at(setting, curve.random)), NONE, amount(setting, curve.random_usd)],
    ["SLM alone", NONE, "0.000", text(curve.slm), NONE, NONE],
    ["LLM alone", NONE, "1.000", text(curve.llm), NONE, NONE]
  ];
}

function guarantee(setting) {
  var point = pointOf(setting);
  return point ? point.guarantee : "None: the thresholds file has no operating point here.";
}
