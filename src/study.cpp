// SPDX-License-Identifier: Apache-2.0
// The offline tools of the compiled library: the same text as the headers.
#include <offramp/detail/study/calibration.hpp>
#include <offramp/detail/study/certification.hpp>
#include <offramp/detail/study/curve.hpp>
#include <offramp/detail/study/curve_study.hpp>
#include <offramp/detail/study/data_description.hpp>
#include <offramp/detail/study/dataset.hpp>
#include <offramp/detail/study/exit_logits.hpp>
#include <offramp/detail/study/fit.hpp>
#include <offramp/detail/study/head_fit.hpp>
#include <offramp/detail/study/metrics.hpp>
#include <offramp/detail/study/pick.hpp>
#include <offramp/detail/study/reliability_chart.hpp>
#include <offramp/detail/study/replay.hpp>
#include <offramp/detail/study/sweep_rule.hpp>
#include <offramp/detail/study/temperature.hpp>
#include <offramp/detail/study/wall_time.hpp>
