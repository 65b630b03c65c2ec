// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/text/sentencepiece/model.hpp>
#include <offramp/version.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Cuts a well-formed text into the pieces of a sentencepiece model; unknown characters in a row are one. Safe from
/// several threads; allocates.
using sentencepiece_encoder = std::function<std::vector<std::string>(std::string_view)>;

/// Hands the model to the sentencepiece library. `name`: of its file. Throws `unsupported` in a build without the
/// library, and `bad_model` when the library refuses the model.
#if defined(OFFRAMP_HEADER_ONLY)
[[nodiscard]] inline sentencepiece_encoder make_sentencepiece_encoder(const sentencepiece_model& /*model*/,
                                                                      const std::string& name) {
  throw error(error_kind::unsupported,
              name + " needs the compiled library offramp::offramp, configured with -DOFFRAMP_SENTENCEPIECE=ON");
}
#else
[[nodiscard]] sentencepiece_encoder make_sentencepiece_encoder(const sentencepiece_model& model,
                                                               const std::string& name);
#endif

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
