// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/exits/description.hpp>
#include <offramp/model/exits/policy.hpp>

#include <algorithm>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Whether the default policy is that of a certificate, in whatever format.
[[nodiscard]] inline bool has_certified_default(const model::exits_file& content) {
  return content.default_policy &&
         std::ranges::any_of(content.certificates, [&](const model::certificate_description& certificate) {
           return model::make_policy(certificate.policy) == model::make_policy(*content.default_policy);
         });
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
