// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Looks of the report around its charts.
inline constexpr std::string_view report_style = R"css(
:root{color-scheme:light dark;--page:#f5f7fa;--panel:#ffffff;--text:#1b2230;--muted:#5a6475;--edge:#e1e6ed;
--mark:#1d5fd1;--mark-soft:#e8f0fd}
@media (prefers-color-scheme:dark){:root{--page:#0b0e14;--panel:#12161e;--text:#e9edf5;--muted:#a3adbf;--edge:#262d3a;
--mark:#78a9ff;--mark-soft:#1a2740}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Liberation Sans",sans-serif}
main{max-width:980px;margin:0 auto;padding:40px 24px 64px}
h1{font-size:30px;line-height:1.2;margin:0 0 6px;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:20px;margin:0 0 4px;letter-spacing:-.005em}
p{margin:8px 0 12px;max-width:74ch}
.muted{color:var(--muted)}
.lead{font-size:18px;line-height:1.5}
section{background:var(--panel);border:1px solid var(--edge);border-radius:12px;padding:22px 26px;margin:20px 0}
.chart{display:block;width:100%;height:auto;margin:12px 0 4px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:14px;margin:22px 0}
.card{background:var(--panel);border:1px solid var(--edge);border-radius:12px;padding:16px 20px}
.card b{display:block;font-size:30px;line-height:1.15;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.card span{color:var(--muted);font-size:14px;line-height:1.4;display:block;margin-top:4px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14.5px;font-variant-numeric:tabular-nums;margin:10px 0 6px}
caption{text-align:left;color:var(--muted);padding-bottom:6px}
th,td{padding:7px 10px 7px 0;text-align:right;border-bottom:1px solid var(--edge);vertical-align:top}
th{font-weight:600;color:var(--muted);white-space:nowrap;vertical-align:bottom}
th.name,td.name{text-align:left;min-width:10.5em;overflow-wrap:anywhere}
tr:last-child td{border-bottom:0}
td small{color:var(--muted);font-size:12.5px;white-space:nowrap}
td.marked{padding-left:34px;position:relative}
.letter{position:absolute;left:0;min-width:22px;height:22px;line-height:22px;border-radius:11px;text-align:center;
padding:0 6px;background:var(--mark);color:var(--panel);font-weight:600;font-size:13px}
.note{border-left:3px solid var(--mark);background:var(--mark-soft);padding:10px 16px;border-radius:0 8px 8px 0;
font-size:15px;max-width:none}
.try{display:grid;grid-template-columns:1fr 1fr;gap:8px 36px;margin-top:8px}
.try[hidden]{display:none}
@media (max-width:720px){.try{grid-template-columns:1fr}}
.try label{grid-column:1/-1;font-weight:600}
input[type=range]{display:block;width:100%;margin:8px 0;accent-color:var(--mark)}
.try dl{display:grid;grid-template-columns:auto 1fr;gap:3px 16px;margin:0;align-content:start}
.try dt{color:var(--muted)}
.try dd{margin:0;font-weight:600;font-variant-numeric:tabular-nums}
.bars{font-size:14px;font-variant-numeric:tabular-nums}
.bars div{display:grid;grid-template-columns:64px 1fr 62px;gap:10px;align-items:center;height:25px}
.bars i{display:block;height:15px;background:var(--mark);border-radius:3px;min-width:1px}
.bars span:last-child{text-align:right}
.meaning{display:grid;grid-template-columns:max-content 1fr;gap:8px 22px;margin:10px 0 0}
@media (max-width:720px){.meaning{grid-template-columns:1fr;gap:2px}.meaning dd{margin-bottom:8px}}
.meaning dt{font-weight:600}
.meaning dd{margin:0;color:var(--muted)}
code{font:13.5px ui-monospace,SFMono-Regular,Menlo,"Liberation Mono",monospace;overflow-wrap:anywhere}
details{margin-top:10px}
summary{cursor:pointer;color:var(--mark)}
.chart .cursor{fill:var(--accent);stroke:var(--paper);stroke-width:2;opacity:0}
)css";

/// Moves the slider's values into the page. Without it the page lacks the slider and nothing else.
inline constexpr std::string_view report_script = R"js(
(function () {
  var points = JSON.parse(document.getElementById("points").textContent);
  var layers = JSON.parse(document.getElementById("layers").textContent);
  var slider = document.getElementById("slider");
  var cursor = document.querySelector("#curve .cursor");
  var bars = document.getElementById("bars");
  var show = function (id, text) { document.getElementById(id).textContent = text; };
  var rows = layers.map(function (layer) {
    var row = document.createElement("div");
    var parts = ["span", "span", "span"].map(function (tag) { return row.appendChild(document.createElement(tag)); });
    var fill = parts[1].appendChild(document.createElement("i"));
    parts[0].textContent = "layer " + layer;
    bars.appendChild(row);
    return function (share) {
      fill.style.width = share + "%";
      parts[2].textContent = share.toFixed(1) + " %";
    };
  });
  var update = function () {
    var p = points[slider.value];
    show("at-threshold", p[0] === null ? "full depth" : p[0]);
    show("at-accuracy", p[1].toFixed(1) + " %  (" + p[2].toFixed(1) + " to " + p[3].toFixed(1) + ")");
    show("at-loss", p[9].toFixed(2) + " points  (" + p[10].toFixed(2) + " to " + p[11].toFixed(2) + ")");
    show("at-layer", p[4].toFixed(2));
    show("at-speedup", p[5].toFixed(2) + "\u00D7");
    show("at-disagreement", p[6].toFixed(1) + " %");
    slider.setAttribute("aria-valuetext", p[0] === null ? "full depth" : "threshold " + p[0]);
    rows.forEach(function (row, exit) { row(p[12][exit]); });
    cursor.setAttribute("cx", p[7]);
    cursor.setAttribute("cy", p[8]);
    cursor.style.opacity = 1;
  };
  slider.max = points.length - 1;
  slider.value = slider.getAttribute("data-start");
  slider.addEventListener("input", update);
  document.getElementById("try").hidden = false;
  update();
})();
)js";

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
