// SPDX-License-Identifier: Apache-2.0
#include <offramp/version.hpp>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

std::string_view version() noexcept { return OFFRAMP_VERSION_STRING; }

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
