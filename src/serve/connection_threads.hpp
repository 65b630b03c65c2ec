// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <httplib.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace offramp_serve {

/// Gives each connection a thread for as long as it lasts. A thread that is free takes the next; where none is, another
/// begins, up to so many; then connections wait.
class connection_threads final : public httplib::TaskQueue {
 public:
  /// Tells how many connections wait, in `waiting`.
  connection_threads(int most, std::atomic<std::size_t>& waiting)
      : most_(static_cast<std::size_t>(most)), waiting_(waiting) {}

  /// cpp-httplib asks from some version on whether it was taken.
  auto enqueue(std::function<void()> connection)
      -> decltype(std::declval<httplib::TaskQueue&>().enqueue(std::move(connection))) override {
    {
      const std::scoped_lock lock(mutex_);
      connections_.push_back(std::move(connection));
      if (connections_.size() > free_ && threads_.size() < most_) {
        begin_thread();
      }
      waiting_ = connections_.size() > free_ ? connections_.size() - free_ : 0;
    }
    changed_.notify_one();
    return static_cast<decltype(std::declval<httplib::TaskQueue&>().enqueue({}))>(true);
  }

  /// The connection that the calling thread serves ends with the answer at hand: what cpp-httplib still reads of it,
  /// until its client closes it, is no request to be served.
  static void end() noexcept { ended_ = true; }
  [[nodiscard]] static bool has_ended() noexcept { return ended_; }

  /// Returns when all connections have been served, those that wait too.
  void shutdown() override {
    {
      const std::scoped_lock lock(mutex_);
      is_ending_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }

 private:
  void begin_thread() {
    try {
      threads_.emplace_back([this] { work(); });
      ++free_;
    } catch (const std::system_error&) {  // the system lends no more
      if (threads_.empty()) {
        throw;
      }
    }
  }

  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return is_ending_ || !connections_.empty(); });
      if (connections_.empty()) {
        return;
      }
      const std::function<void()> connection = std::move(connections_.front());
      connections_.pop_front();
      --free_;
      waiting_ = connections_.size() > free_ ? connections_.size() - free_ : 0;
      lock.unlock();
      ended_ = false;
      connection();
      lock.lock();
      ++free_;
    }
  }

  static inline thread_local bool ended_ = false;

  std::size_t most_;
  std::atomic<std::size_t>& waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by the mutex.
  std::deque<std::function<void()>> connections_;
  std::size_t free_ = 0;  // threads that serve none
  bool is_ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace offramp_serve
