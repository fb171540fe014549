// The lines that ask for a setting, as ask.rs writes them.
var FITTED = "calibration/mine";
var OPTIONS = { routing_ratio: "--ratio", accuracy: "--accuracy", llm_gap: "--llm-gap", cost: "--cost" };

function shellWord(word) {
  return /^[A-Za-z0-9_.\/=:+,-]+$/.test(word) ? word : "'" + word.replace(/\n/g, " ").replace(/'/g, "'\\''") + "'";
}
function quoted(word) {
  return "\"" + word.replace(/\\/g, "\\\\").replace(/"/g, "\\\"").replace(/\n/g, "\\n").replace(/[\u0085\u2028\u2029]/g, " ") + "\"";
}

function ask(setting) {
  var target = setting.kind + "=" + setting.stop.text, point = pointOf(setting);
  if (point && !point.has_threshold) {
    return ["#", "#", "//"].map(function (mark) { return mark + " The fit found no threshold for " + target + "."; });
  }
  var name = setting.pair.file || "SLM--LLM.thresholds.json", file = point ? name : FITTED + "/" + name, method = setting.method.id;
  var fit = point ? "" : "# Not in the thresholds file yet.\nplimsoll fit --scores tables/scores.parquet " +
    (OPTIONS[setting.kind] || "--risk") + " " + setting.stop.text + " --out " + FITTED + "\n";
  var device = setting.pair.device.map(function (field) { return "    " + quoted(field[0]) + ": " + quoted(field[1]) + ",\n"; }).join("");
  return [
    fit + "echo '{\"confidence\": 0.73}' | plimsoll thresholds decide " + file + " \\\n    --method " + shellWord(method) + " --target " + target,
    "from plimsoll_router import Router\ndevice = {  # what runs here\n" + device + "}\nrouter = Router.open(" + quoted(file) +
      ", device=device, method=" + quoted(method) + ", target=" + quoted(target) + ")",
    "// `device` is the ModelIdentity of what runs here.\nlet file = std::fs::read_to_string(" + quoted(file) +
      ")?;\nlet router = Router::open(&file, &device, " + quoted(method) + ", &" + quoted(target) + ".parse()?)?;"
  ];
}
