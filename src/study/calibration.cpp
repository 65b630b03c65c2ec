// SPDX-License-Identifier: Apache-2.0
// Metrics, temperatures and certificates: the same text as the headers.
#include <offramp/detail/study/calibration.hpp>
#include <offramp/detail/study/certification.hpp>
#include <offramp/detail/study/metrics.hpp>
#include <offramp/detail/study/temperature.hpp>
