// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/compiled_target.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/study/known_texts.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// What becomes of texts that a model learned from, was calibrated with or chose a threshold on, where it is to be
/// certified: they would promise too much.
enum class known_text_handling { refuse, leave_out };

/// Texts that may certify a threshold.
struct certifiable_texts {
  dataset texts;                      ///< each different text once, in the order of the file
  std::size_t repeated = 0;           ///< rows left out: their text had stood before, and a copy is no further evidence
  std::size_t left_out = 0;           ///< rows left out: the model knows their text
  std::size_t earlier_looks = 0;      ///< the most often that one of the texts has been tested on before
  std::size_t shared_firsts = 0;      ///< pairs whose first text stands in a pair that learned, calibrated or chose
  std::size_t repeated_firsts = 0;    ///< pairs whose first text had stood before: no independent evidence
  std::vector<std::string> warnings;  ///< what a reader of the certificate should know, a sentence each
};

/// How many rows of `data` hold a text that learned, calibrated or chose.
[[nodiscard]] OFFRAMP_API std::size_t count_known(const known_texts& known, const dataset& data);

/// Those of `data` for a model that knows `known`. Throws `invalid_argument`, naming file, line and how many, for texts
/// that learned, calibrated or chose, unless they are left out, and where none is left.
[[nodiscard]] OFFRAMP_API certifiable_texts select_certifiable(
    const known_texts& known, const dataset& data, known_text_handling handling = known_text_handling::refuse);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
