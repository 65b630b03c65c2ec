// SPDX-License-Identifier: Apache-2.0
#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/study/sweep_rule.hpp>

#include <algorithm>
#include <cmath>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

exit_policy policy_at(const sweep_rule& rule, float threshold) {
  const offramp::detail::default_floating_point environment;
  switch (rule.kind) {
    case exit_policy::rule::confidence:
      return threshold > 1.0F ? exit_policy::full_depth() : exit_policy(threshold);
    case exit_policy::rule::declining:
      return exit_policy::declining(threshold, rule.decline);
    case exit_policy::rule::entropy:
      return exit_policy::entropy(threshold);
    case exit_policy::rule::normalized_entropy:
      return exit_policy::normalized_entropy(threshold);
    case exit_policy::rule::margin:
      return exit_policy::margin(threshold);
    case exit_policy::rule::patience_entropy:
      return exit_policy::patience_entropy(threshold, rule.count);
    case exit_policy::rule::patience:
      if (!std::isnan(threshold)) {
        return exit_policy::patience(static_cast<int>(std::clamp(threshold, 0.0F, 1e6F)));
      }
      return {threshold};  // refuses NaN as every policy does
    case exit_policy::rule::learned:
      return exit_policy::learned(threshold);
    case exit_policy::rule::per_exit:
    case exit_policy::rule::per_class:
      break;
  }
  throw error(error_kind::invalid_argument, "sweep_rule: thresholds per exit or class are not one number to sweep");
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
