// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/certifiable_texts.hpp>
#include <offramp/study/certification.hpp>

namespace offramp_cli {

/// What was certified, what failed, and by whom, as lines for people.
void write_certification_text(const offramp::study::certification& result);
/// The same as one line of JSON.
void write_certification_json(const offramp::study::certification& result,
                              const offramp::study::certifiable_texts& texts);

}  // namespace offramp_cli
