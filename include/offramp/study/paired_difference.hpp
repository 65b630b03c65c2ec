// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/export.hpp>
#include <offramp/study/compiled_target.hpp>
#include <offramp/version.hpp>

#include <cstdint>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// How two classifiers fare on the same texts. Texts that both or neither get right say nothing about which is better.
struct paired_counts {
  std::int64_t texts = 0;
  std::int64_t only_first = 0;   ///< right by the first alone
  std::int64_t only_second = 0;  ///< right by the second alone

  bool operator==(const paired_counts&) const = default;
};

/// The accuracy of the first less that of the second, from -1 to 1.
struct paired_difference {
  double estimate = 0.0;
  double lower = -1.0;  ///< of the interval, approximate
  double upper = 1.0;
  double p_value = 1.0;  ///< of McNemar's exact two-sided test that both are equally accurate

  bool operator==(const paired_difference&) const = default;
};

/// Tango's score interval (1998), which keeps its confidence (0 < confidence < 1) also for few texts and small
/// differences, where a normal approximation of the difference does not. Throws `invalid_argument` for no texts, for
/// counts below 0 and for more of them than texts.
[[nodiscard]] OFFRAMP_API paired_difference compare_paired(const paired_counts& counts, double confidence = 0.95);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
