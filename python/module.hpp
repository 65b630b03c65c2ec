// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>

#include <offramp/offramp.hpp>

#include <string>
#include <string_view>

namespace offramp_python {

namespace nb = nanobind;

void bind_policy(nb::module_& module);
void bind_classifier(nb::module_& module);
void bind_study_results(nb::module_& module);
void bind_study(nb::module_& module);

/// A float is a threshold, None the policy stored with the model. Whole numbers and truth values are refused, as C++
/// does.
[[nodiscard]] offramp::exit_policy policy_of(nb::handle value, const offramp::classifier& model);

[[nodiscard]] std::string loss_name(offramp::certified_loss loss);

/// What a name means. Throws ValueError for others.
[[nodiscard]] offramp::numeric_format format_of(std::string_view name);
[[nodiscard]] offramp::certified_loss loss_of(std::string_view name);

}  // namespace offramp_python
