// SPDX-License-Identifier: Apache-2.0
// Preprocessor only, so that C reads it too.
#pragma once

/// What a shared library of offramp shows: the public interface. Everything else is compiled with hidden visibility.
#if defined(OFFRAMP_HEADER_ONLY)
#define OFFRAMP_API
#define OFFRAMP_HIDDEN
#else
#define OFFRAMP_API __attribute__((visibility("default")))
#define OFFRAMP_HIDDEN __attribute__((visibility("hidden")))
#endif
