// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/offramp.h>
#include <offramp/offramp.hpp>
#include <offramp/text/text_piece.hpp>
#include <offramp/thread_pool.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <functional>
#include <new>
#include <optional>
#include <stop_token>
#include <string_view>
#include <utility>

struct offramp_classifier {
  offramp::classifier model;
};

struct offramp_policy {
  offramp::exit_policy policy;
  std::optional<offramp::call_meter> meter = {};
};

struct offramp_stop {
  std::stop_source source;
};

struct offramp_thread_pool {
  offramp::thread_pool pool;
};

namespace offramp_c {

inline offramp_status fail(offramp_error* error, offramp_status status, std::string_view message) noexcept {
  if (error != nullptr) {
    error->status = status;
    constexpr std::size_t longest = sizeof(error->message) - 1;
    const std::size_t size =
        message.size() <= longest ? message.size() : offramp::text::character_start(message, longest);
    std::memcpy(error->message, message.data(), size);
    error->message[size] = '\0';
  }
  return status;
}

inline offramp_status status_of(offramp::error_kind kind) noexcept {
  switch (kind) {
    case offramp::error_kind::io:
      return OFFRAMP_IO;
    case offramp::error_kind::bad_model:
      return OFFRAMP_BAD_MODEL;
    case offramp::error_kind::bad_data:
      return OFFRAMP_BAD_DATA;
    case offramp::error_kind::unsupported:
      return OFFRAMP_UNSUPPORTED;
    case offramp::error_kind::invalid_argument:
      return OFFRAMP_INVALID_ARGUMENT;
  }
  return OFFRAMP_FAILED;
}

/// Runs `body` and turns what it throws into a status.
template <class Body>
offramp_status guard(offramp_error* error, const Body& body) noexcept {
  try {
    body();
    return OFFRAMP_OK;
  } catch (const offramp::error& problem) {
    return fail(error, status_of(problem.kind()), problem.what());
  } catch (const std::bad_alloc&) {
    return fail(error, OFFRAMP_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& problem) {
    return fail(error, OFFRAMP_FAILED, problem.what());
  } catch (...) {
    return fail(error, OFFRAMP_FAILED, "an unknown exception");
  }
}

/// Throws `invalid_argument` for a pointer that must not be null.
inline void require(const void* pointer, const char* name) {
  if (pointer == nullptr) {
    throw offramp::error(offramp::error_kind::invalid_argument, std::string(name) + " is NULL");
  }
}

inline offramp::runner runner_of(const offramp_threads* threads) {
  if (threads == nullptr) {
    return {};
  }
  if (threads->run == nullptr) {
    throw offramp::error(offramp::error_kind::invalid_argument, "threads: run is NULL");
  }
  const auto lend = [lent = *threads](std::size_t n, const std::function<void(std::size_t)>& body) {
    lent.run(
        lent.state, n,
        [](void* erased, std::size_t index) { (*static_cast<const std::function<void(std::size_t)>*>(erased))(index); },
        const_cast<std::function<void(std::size_t)>*>(&body));
  };
  return {lend, threads->width};
}

}  // namespace offramp_c
