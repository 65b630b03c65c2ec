// SPDX-License-Identifier: Apache-2.0
// The one file that sees the sentencepiece library, where the build has it.
#include <offramp/text/sentencepiece/encoder.hpp>

#if defined(OFFRAMP_WITH_SENTENCEPIECE)
#include <sentencepiece_processor.h>

#include <memory>
#endif

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

#if defined(OFFRAMP_WITH_SENTENCEPIECE)
namespace {

/// Of this file alone, so that no template over the library's class is instantiated for a whole program to share.
struct processor {
  sentencepiece::SentencePieceProcessor library;
};

}  // namespace

sentencepiece_encoder make_sentencepiece_encoder(const sentencepiece_model& model, const std::string& name) {
  const auto loaded = std::make_shared<processor>();
  if (const auto status = loaded->library.LoadFromSerializedProto(model.serialize()); !status.ok()) {
    throw error(error_kind::bad_model, name + ": sentencepiece refuses it: " + status.ToString());
  }
  return [shared = std::shared_ptr<const processor>(loaded)](std::string_view text) {
    std::vector<std::string> pieces;
    if (const auto status = shared->library.Encode({text.data(), text.size()}, &pieces); !status.ok()) {
      throw error(error_kind::bad_model, "sentencepiece cannot encode a text: " + status.ToString());
    }
    return pieces;
  };
}
#else
sentencepiece_encoder make_sentencepiece_encoder(const sentencepiece_model& /*model*/, const std::string& name) {
  throw error(error_kind::unsupported, name + " needs a build with -DOFFRAMP_SENTENCEPIECE=ON");
}
#endif

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
