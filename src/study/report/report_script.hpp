// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Lets a reader stop anywhere on the curve: by slider, keys, pointer or touch. Without it the page lacks that and
/// nothing else.
inline constexpr std::string_view report_script = R"js(
(function () {
  "use strict";
  var all = JSON.parse(document.getElementById("data").textContent);
  var shown = all[0];
  var slider = document.getElementById("slider");
  var charts = [].slice.call(document.querySelectorAll("#curve svg.chart"));
  var put = function (id, text) {
    var element = document.getElementById(id);
    if (element && element.textContent !== text) { element.textContent = text; }
  };
  var number = function (value, decimals) {
    if (value === null || value === undefined) { return "\u2013"; }
    var text = Math.abs(value).toFixed(decimals);
    return (value < 0 && Number(text) > 0 ? "\u2212" : "") + text;
  };
  var times = function (value) { return value === null ? "\u221e" : number(value, value < 9.95 ? 1 : 0) + "\u00d7"; };
  var make = function (parent, tag, style, text) {
    var element = parent.appendChild(document.createElement(tag));
    if (style) { element.className = style; }
    if (text !== undefined) { element.textContent = text; }
    return element;
  };

  var moveCursor = function (chart, stop) {
    var read = function (name) { return Number(chart.getAttribute("data-" + name)); };
    var left = read("left"), right = read("right"), top = read("top"), bottom = read("bottom");
    var x = left + (stop.layer - read("first")) / (read("last") - read("first")) * (right - left);
    var y = function (gain) {
      var at = bottom + (shown.above + gain - read("lowest")) / (read("highest") - read("lowest")) * (top - bottom);
      return Math.max(top, Math.min(bottom, at));
    };
    var cursor = chart.querySelector(".cursor");
    var cross = cursor.querySelector(".cross"), span = cursor.querySelector(".span");
    var dot = cursor.querySelector(".cursor-dot");
    [cross, span].forEach(function (line) { line.setAttribute("x1", x); line.setAttribute("x2", x); });
    span.setAttribute("y1", y(stop.lower));
    span.setAttribute("y2", y(stop.upper));
    dot.setAttribute("cx", x);
    dot.setAttribute("cy", y(stop.gain));
  };

  var showExits = function (stop) {
    var texts = stop.texts.reduce(function (sum, count) { return sum + count; }, 0);
    var most = Math.max.apply(null, stop.texts);
    shown.layers.forEach(function (layer, exit) {
      var row = document.getElementById("exits").children[exit];
      var count = stop.texts[exit];
      row.children[0].textContent = layer === 0 ? "before" : "layer " + layer;
      row.querySelector("i").style.width = 100 * count / most + "%";
      row.children[2].textContent = number(100 * count / texts, 1) + " %";
      row.children[3].textContent = count ? number(100 * stop.right[exit] / count, 1) + " % right" : "";
    });
  };

  var confusionAt = function (index) {
    var cells = shown.confusion.slice();
    for (var i = 1; i <= index; i += 1) {
      var changes = shown.changes[i];
      for (var j = 0; j < changes.length; j += 2) { cells[changes[j]] += changes[j + 1]; }
    }
    return cells;
  };
  var showConfusion = function (index) {
    var body = document.querySelector("#confusion tbody");
    if (!body || !shown.confusion) { return; }
    var cells = confusionAt(index), full = confusionAt(shown.stops.length - 1), width = shown.labels.length;
    for (var right = 0; right < width; right += 1) {
      var sum = 0;
      for (var k = 0; k < width; k += 1) { sum += cells[right * width + k]; }
      for (var given = 0; given < width; given += 1) {
        var cell = right * width + given, change = cells[cell] - full[cell];
        var place = body.children[right].children[given + 1];
        place.children[0].textContent = cells[cell];
        place.children[1].textContent = change === 0 ? "\u00b10" : (change > 0 ? "+" : "\u2212") + Math.abs(change);
        place.style.setProperty("--share", sum ? (100 * cells[cell] / sum).toFixed(0) + "%" : "0%");
      }
    }
  };

  var nameOf = function (stop) {
    return stop.at === null ? "full depth" : (shown.count ? "patience " : "threshold ") + stop.at;
  };
  var update = function () {
    var index = Number(slider.value), stop = shown.stops[index], timed = stop.ms !== undefined;
    var gains = stop.gain > 0;
    put("say-at", nameOf(stop));
    put("say-faster", timed ? times(stop.faster) + " faster" : times(stop.fewer) + " fewer layers");
    put("say-verb", gains ? "gains" : "loses");
    put("say-loss", number(Math.abs(stop.gain), 2) + " points");
    put("say-span", gains ? number(stop.lower, 2) + " to " + number(stop.upper, 2)
                          : number(-stop.upper, 2) + " to " + number(-stop.lower, 2));
    put("at-threshold", stop.at === null ? "full depth" : stop.at);
    put("at-layer", number(stop.layer, 2));
    put("of-layer", "of " + shown.depth + ", " + times(stop.fewer) + " fewer");
    put("at-ms", timed ? (stop.measured ? "" : "\u2248 ") + number(stop.ms, stop.ms < 10 ? 2 : 1) : "\u2013");
    put("of-ms", timed ? times(stop.faster) + " faster" + (stop.measured ? "" : ", between timed ones") : "not measured");
    put("at-gflops", number(stop.gflops, 2));
    put("of-gflops", stop.lighter === undefined ? "" : times(stop.lighter) + " fewer");
    put("at-other", number(stop.other, 1) + " %");
    put("of-other", "than at full depth");
    put("at-accuracy", number(stop.accuracy, 1) + " %");
    put("of-accuracy", "full depth " + number(shown.full, 1) + " %");
    slider.setAttribute("aria-valuetext", nameOf(stop));
    charts.forEach(function (chart) { moveCursor(chart, stop); });
    showExits(stop);
    showConfusion(index);
  };

  var choose = function (series) {
    shown = all[series];
    slider.max = shown.stops.length - 1;
    slider.value = shown.start;
    var exits = document.getElementById("exits");
    exits.textContent = "";
    shown.layers.forEach(function () {
      var row = make(exits, "div");
      make(row, "span");
      make(make(row, "span", "track"), "i");
      make(row, "span", "figure");
      make(row, "span", "figure muted");
    });
    update();
  };

  var nearest = function (layer) {
    var best = 0;
    shown.stops.forEach(function (stop, i) {
      if (Math.abs(stop.layer - layer) < Math.abs(shown.stops[best].layer - layer)) { best = i; }
    });
    return best;
  };
  charts.forEach(function (chart) {
    var follow = function (event) {
      var read = function (name) { return Number(chart.getAttribute("data-" + name)); };
      var frame = chart.getBoundingClientRect();
      var x = (event.clientX - frame.left) / frame.width * chart.viewBox.baseVal.width;
      var share = (x - read("left")) / (read("right") - read("left"));
      slider.value = nearest(read("first") + share * (read("last") - read("first")));
      update();
    };
    chart.addEventListener("pointerdown", follow);
    chart.addEventListener("pointermove", follow);
  });
  slider.addEventListener("input", update);
  [].forEach.call(document.querySelectorAll("input[data-line]"), function (box) {
    box.addEventListener("change", function () {
      charts.forEach(function (chart) {
        chart.querySelector(".asked-" + box.getAttribute("data-line")).classList.toggle("is-shown", box.checked);
      });
    });
  });
  [].forEach.call(document.querySelectorAll("input[name=series]"), function (box) {
    box.addEventListener("change", function () { choose(Number(box.value)); });
  });
  document.documentElement.classList.add("is-live");
  choose(0);
})();
)js";

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
