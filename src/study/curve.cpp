// SPDX-License-Identifier: Apache-2.0
// Curves over thresholds, wall time and the report: the same text as the headers.
#include <offramp/detail/study/curve.hpp>
#include <offramp/detail/study/curve_report.hpp>
#include <offramp/detail/study/label_share.hpp>
#include <offramp/detail/study/pick.hpp>
#include <offramp/detail/study/reliability_chart.hpp>
#include <offramp/detail/study/sweep_rule.hpp>
#include <offramp/detail/study/wall_time.hpp>
