// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Looks of the report around its charts. What only the script fills is shown where it runs.
inline constexpr std::string_view report_style = R"css(
:root{color-scheme:light dark;--page:#f4f6f9;--panel:#ffffff;--text:#1b2230;--muted:#5a6475;--edge:#e1e6ed;
--mark:#1d5fd1;--mark-soft:#e8f0fd;--shade:29,95,209}
@media (prefers-color-scheme:dark){:root{--page:#0b0e14;--panel:#12161e;--text:#e9edf5;--muted:#a3adbf;--edge:#262d3a;
--mark:#78a9ff;--mark-soft:#1a2740;--shade:120,169,255}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Liberation Sans",sans-serif}
main{max-width:980px;margin:0 auto;padding:40px 24px 64px}
h1{font-size:15px;font-weight:600;color:var(--muted);margin:0 0 14px;overflow-wrap:anywhere}
h2{font-size:19px;margin:0 0 4px;letter-spacing:-.005em}
h3{font-size:15px;margin:12px 0 2px}
p{margin:8px 0 12px;max-width:74ch}
.muted{color:var(--muted)}
.lead{font-size:30px;line-height:1.28;letter-spacing:-.015em;max-width:32ch;margin:0 0 12px;text-wrap:balance}
.lead b{color:var(--mark);font-weight:650}
.lead span{white-space:nowrap}
.lead small{display:block;font-size:17px;letter-spacing:0;color:var(--muted);margin-top:6px;
font-variant-numeric:tabular-nums}
section{background:var(--panel);border:1px solid var(--edge);border-radius:14px;padding:22px 26px;margin:20px 0}
.chart{display:block;width:100%;height:auto;margin:10px 0 4px}
#curve .chart{touch-action:pan-y;cursor:crosshair}
.narrow{display:none}
.lines{display:flex;flex-wrap:wrap;gap:6px 8px;margin:12px 0 0;font-size:14px}
.lines label{display:inline-flex;align-items:center;gap:7px;border:1px solid var(--edge);border-radius:99px;
padding:4px 13px 4px 10px;cursor:pointer;min-height:32px}
.lines label:has(:checked){background:var(--mark-soft);border-color:var(--mark)}
.lines input{accent-color:var(--mark);margin:0}
input[type=range]{display:block;width:100%;height:32px;margin:4px 0 10px;accent-color:var(--mark)}
.ends{display:flex;justify-content:space-between;font-size:13.5px;color:var(--muted);margin:-10px 0 14px}
.tiles{display:grid;grid-template-columns:repeat(6,1fr);gap:1px;background:var(--edge);border:1px solid var(--edge);
border-radius:10px;overflow:hidden}
.tile{background:var(--panel);padding:11px 13px;min-width:0}
.tile span{display:block;color:var(--muted);font-size:13px;line-height:1.35}
.tile b{display:block;font-size:22px;line-height:1.3;letter-spacing:-.01em;font-variant-numeric:tabular-nums}
.tile small{display:block;color:var(--muted);font-size:12.5px;line-height:1.35;min-height:1.35em;
font-variant-numeric:tabular-nums}
.live{display:none}
.is-live .live{display:block}
.bars{font-size:14.5px;font-variant-numeric:tabular-nums;margin-top:12px}
.bars div{display:grid;grid-template-columns:64px 1fr 62px 104px;gap:12px;align-items:center;height:29px}
.bars i{display:block;height:17px;background:var(--mark);border-radius:4px;min-width:2px;transition:width .12s}
.figure{text-align:right}
#confusion td{width:7.5em}
#confusion tbody td:not(.name){background:linear-gradient(90deg,rgba(var(--shade),.17) var(--share,0%),transparent 0)}
#confusion b{font-weight:600}
#confusion small{display:inline-block;min-width:2.9em;margin-left:8px}
.panels{display:flex;flex-wrap:wrap;gap:4px 14px}
.panels .chart{flex:1 1 250px;width:auto;max-width:290px}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(240px,1fr));gap:0 28px}
h3 small{display:block;font-weight:400;color:var(--muted);font-size:13.5px}
.quotes{font-size:15px;line-height:1.45;list-style:none;margin:6px 0 0;padding:0}
.quotes li{border-top:1px solid var(--edge);padding:9px 0;overflow-wrap:anywhere}
.quotes li:first-child{border-top:0}
.quotes small{display:block;color:var(--muted);font-size:13.5px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14.5px;font-variant-numeric:tabular-nums;margin:10px 0 6px}
caption{text-align:left;color:var(--muted);padding-bottom:6px}
th,td{padding:7px 14px 7px 0;text-align:right;border-bottom:1px solid var(--edge);vertical-align:top}
th:last-child,td:last-child{padding-right:4px}
th{font-weight:600;color:var(--muted);white-space:nowrap;vertical-align:bottom}
th.name,td.name{text-align:left;min-width:10.5em;overflow-wrap:anywhere}
tr:last-child td{border-bottom:0}
td small{color:var(--muted);font-size:12.5px;white-space:nowrap}
td.marked{padding-left:34px;position:relative}
.letter{position:absolute;left:0;min-width:22px;height:22px;line-height:22px;border-radius:11px;text-align:center;
padding:0 6px;background:var(--mark);color:var(--panel);font-weight:600;font-size:13px}
.note{border-left:3px solid var(--mark);background:var(--mark-soft);padding:10px 16px;border-radius:0 8px 8px 0;
font-size:15px;max-width:none}
.meaning{display:grid;grid-template-columns:max-content 1fr;gap:8px 22px;margin:10px 0 0}
.meaning dt{font-weight:600}
.meaning dd{margin:0;color:var(--muted);overflow-wrap:anywhere}
details{margin-top:12px}
summary{cursor:pointer;color:var(--mark);min-height:28px}
.chart .cross{stroke:var(--accent);stroke-width:1;opacity:.45}
.chart .span{stroke:var(--accent);stroke-width:3;opacity:.6;stroke-linecap:round}
.chart .cursor-dot{fill:var(--accent);stroke:var(--paper);stroke-width:2.5}
.chart .cursor{display:none}
.is-live .chart .cursor{display:inline}
@media (max-width:680px){
main{padding:22px 12px 40px}
.lead{font-size:23px}
.lead small{font-size:15px}
section{padding:16px 14px;margin:14px 0;border-radius:12px}
.wide{display:none}
.narrow{display:block}
.tiles{grid-template-columns:repeat(2,1fr)}
.bars div{grid-template-columns:54px 1fr 52px 92px;gap:8px}
.meaning{grid-template-columns:1fr;gap:2px}
.meaning dd{margin-bottom:8px}
.panels .chart{max-width:100%}
}
@media (prefers-reduced-motion:reduce){.bars i{transition:none}}
@media print{.live{display:none!important}section{break-inside:avoid}}
)css";

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
