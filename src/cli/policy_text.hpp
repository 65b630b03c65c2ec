// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exit_policy.hpp>

#include <string>

namespace offramp_cli {

/// As in "confidence >= 0.94".
std::string describe(const offramp::exit_policy& policy);
/// As --rule takes it.
std::string rule_name(offramp::exit_policy::rule rule);

}  // namespace offramp_cli
