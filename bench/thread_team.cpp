// SPDX-License-Identifier: Apache-2.0
#include "thread_team.hpp"

#include <stdexcept>
#include <string>

namespace offramp_bench {

struct thread_team::job {
  std::size_t n;
  const std::function<void(std::size_t)>* body;
  std::atomic<std::size_t> next = 0;

  void work() {
    for (std::size_t i = next++; i < n; i = next++) {
      (*body)(i);
    }
  }
};

namespace {

/// Waits until `value` is no longer `old`: first without giving up the core, then giving it to whoever is ready.
void await_change(const std::atomic<std::size_t>& value, std::size_t old) {
  constexpr int spins = 2000;
  constexpr int yields = 200;
  for (int i = 0; i < spins + yields; ++i) {
    if (value.load(std::memory_order_acquire) != old) {
      return;
    }
    if (i >= spins) {
      std::this_thread::yield();
    }
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

thread_team::thread_team(int threads) {
  if (threads < 1) {
    throw std::invalid_argument("thread_team: " + std::to_string(threads) + " threads, expected at least 1");
  }
  for (int i = 1; i < threads; ++i) {
    helpers_.emplace_back([this] { serve(); });
  }
}

thread_team::~thread_team() {
  is_closed_ = true;
  publish(nullptr);
}

void thread_team::publish(job* work) {
  job_ = work;
  ++generation_;
  generation_.notify_all();
}

void thread_team::serve() {
  for (std::size_t seen = 0;;) {
    await_change(generation_, seen);
    ++seen;  // never more than one behind: `run` waits for every helper
    if (is_closed_) {
      return;
    }
    job_.load()->work();
    ++helpers_done_;
    helpers_done_.notify_one();
  }
}

void thread_team::run(std::size_t n, const std::function<void(std::size_t)>& body) {
  job work{.n = n, .body = &body};
  helpers_done_ = 0;
  publish(&work);
  work.work();
  for (std::size_t done = helpers_done_; done != helpers_.size(); done = helpers_done_) {
    await_change(helpers_done_, done);
  }
}

offramp::runner thread_team::lend() {
  if (helpers_.empty()) {
    return {};
  }
  return [this](std::size_t n, const std::function<void(std::size_t)>& body) { run(n, body); };
}

}  // namespace offramp_bench
