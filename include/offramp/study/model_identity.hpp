// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/export.hpp>
#include <offramp/study/compiled_target.hpp>
#include <offramp/version.hpp>

#include <filesystem>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// A number that tells what a model directory answers from all others: the SHA-256, 64 hexadecimal digits, of the names
/// and SHA-256 of its regular files by ascending name. `exits.texts.safetensors`, which changes no answer, is left out.
/// Reads all of them. Throws `io`.
[[nodiscard]] OFFRAMP_API std::string identify_model(const std::filesystem::path& directory);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
