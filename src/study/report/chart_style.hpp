// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Looks of every chart, in a file of its own and inside the report. Lines differ in dashes as well as in colour.
inline constexpr std::string_view chart_style = R"css(
.chart{--paper:#ffffff;--ink:#1b2230;--soft:#5a6475;--rule:#e3e7ee;--accent:#1d5fd1;--warm:#b4500f;--cool:#0b7a64;
--grey:#6b7485;--plum:#7a3aa8;font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Liberation Sans",sans-serif;
font-size:13px}
@media (prefers-color-scheme:dark){.chart{--paper:#12161e;--ink:#e9edf5;--soft:#a3adbf;--rule:#2a3140;--accent:#78a9ff;
--warm:#f0a15e;--cool:#4fd1b0;--grey:#98a2b5;--plum:#c79bf0}}
.chart text{fill:var(--ink)}
.chart .heading{font-size:16px;font-weight:600}
.chart .soft{fill:var(--soft)}
.chart .small{font-size:11.5px}
.chart .strong{font-weight:600}
.chart .right{font-variant-numeric:tabular-nums}
.paper{fill:var(--paper)}
.chart .rule{stroke:var(--rule);stroke-width:1}
.chart .base{stroke:var(--soft);stroke-width:1}
.chart .line{fill:none;stroke-linejoin:round;stroke-linecap:round}
.chart .early{stroke:var(--accent);stroke-width:2.6}
.chart .band{fill:var(--accent);opacity:.13}
.chart .random{stroke:var(--grey);stroke-width:1.8;stroke-dasharray:7 5}
.chart .fixed{stroke:var(--grey);stroke-width:1.4;stroke-dasharray:1.5 4.5}
.chart .oracle{stroke:var(--cool);stroke-width:1.8;stroke-dasharray:11 4 2 4}
.chart .full{stroke:var(--ink);stroke-width:1;opacity:.55}
.chart .fixed-mark{fill:var(--grey);stroke:var(--paper);stroke-width:1.5}
.chart .ring{fill:var(--paper);stroke:var(--accent);stroke-width:2.4}
.chart .dot{fill:var(--accent);stroke:var(--paper);stroke-width:1.2}
.chart .batch{stroke:var(--warm);stroke-width:2.2;stroke-dasharray:7 4}
.chart .batch-mark{fill:var(--warm);stroke:var(--paper);stroke-width:1.2}
.chart text.early-text{fill:var(--accent);font-weight:600}
.chart text.fixed-text{fill:var(--warm)}
.chart .diagonal{stroke:var(--grey);stroke-width:1.2;stroke-dasharray:5 4}
.chart .whisker-warm{stroke:var(--warm);stroke-width:1.3;opacity:.6}
.chart .marked{fill:var(--warm);stroke:var(--paper);stroke-width:1.5}
.chart text.marked-text{fill:var(--warm)}
.chart .other{stroke-width:2.2}
.chart .other-0{stroke:var(--warm);stroke-dasharray:9 4}
.chart .other-1{stroke:var(--cool);stroke-dasharray:3 4}
.chart .other-2{stroke:var(--plum);stroke-dasharray:12 4 3 4}
.chart .other-3{stroke:var(--grey);stroke-dasharray:6 3}
.chart .spot{fill:var(--paper);stroke-width:3;stroke-dasharray:none}
.chart text.other-text-0{fill:var(--warm)}
.chart text.other-text-1{fill:var(--cool)}
.chart text.other-text-2{fill:var(--plum)}
.chart text.other-text-3{fill:var(--grey)}
.chart .asked{display:none}
.chart .asked.is-shown{display:inline}
.chart .whisker{stroke:var(--accent);stroke-width:1.3;opacity:.55}
.chart .share{fill:var(--grey);opacity:.38}
)css";

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
