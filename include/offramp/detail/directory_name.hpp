// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <filesystem>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// The last name of a path, also where a slash ends it; the whole path where it ends in no name.
[[nodiscard]] inline std::string directory_name(const std::filesystem::path& directory) {
  const std::filesystem::path plain = (directory / "").lexically_normal().parent_path();
  return plain.filename().empty() ? directory.string() : plain.filename().string();
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
