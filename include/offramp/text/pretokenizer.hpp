// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// How a model was trained to see text.
enum class pretokenizer {
  bert,        ///< as the tokenizer's own files say
  whitespace,  ///< words between whitespace, lower-cased where the files say so, and nothing else; "movie." is one
               ///< word. Added tokens count only as whole words
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
