// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>

namespace offramp_cli {

/// Runs bodies on `threads` threads, the calling one included; empty, which runs all on the calling one, for 1.
offramp::runner thread_runner(int threads);

}  // namespace offramp_cli
