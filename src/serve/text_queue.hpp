// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "served_model.hpp"

#include <offramp/classifier.hpp>
#include <offramp/error.hpp>
#include <offramp/exit_policy.hpp>
#include <offramp/prediction.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace offramp_serve {

/// A text, or the two of a pair.
struct input_text {
  std::string first;
  std::optional<std::string> second;
};

/// What came of the texts of one request.
struct answers {
  offramp::exit_policy policy;  ///< by which they were classified
  std::vector<std::variant<offramp::prediction, offramp::error>> results;
  std::vector<std::vector<offramp::exit_output>> exits;  ///< of each text, where they were asked for
  std::chrono::nanoseconds waited{0};                    ///< in the queue
};

/// The texts of one request.
struct job {
  std::shared_ptr<const served_model> model;
  std::vector<input_text> texts;                    // all single, or all pairs
  std::optional<offramp::exit_policy> policy = {};  // the model's, by load, where there is none
  std::optional<std::chrono::steady_clock::time_point> deadline = {};
  bool wants_exits = false;
  std::stop_token stop = {};  // nobody wants the answers any more
};

/// Runs the texts of many requests together on threads of its own: whoever is free takes the oldest request and those
/// behind it that have the same model and policy. Bounded: what would wait too long is refused at once.
class text_queue {
 public:
  struct limits {
    std::size_t waiting_texts = 1024;  ///< at most; a request of more than that is never taken
    std::size_t texts_at_once = 64;    ///< of several requests in one batch
    std::size_t busy_texts = 256;      ///< waiting texts at which the load is 1
    int threads = 1;
  };

  /// Called after each batch, on its thread, with the answers of each of its jobs.
  using observer = std::function<void(const served_model&, const answers&)>;

  explicit text_queue(limits bounds, observer observe = {});
  /// Runs what waits, then ends.
  ~text_queue();
  text_queue(const text_queue&) = delete;
  text_queue& operator=(const text_queue&) = delete;

  /// The answers to come, or nothing where the queue is full or closed, or where others wait and with their texts those
  /// of this job would take until its deadline. The future throws what classification threw, and std::future_error
  /// where the job was stopped while it waited. One that is stopped later has answers that say so, unless others ran
  /// with it.
  [[nodiscard]] std::optional<std::future<answers>> submit(job request);

  /// Texts that wait.
  [[nodiscard]] std::size_t waiting() const;
  /// Those as a share of busy_texts, at most 1.
  [[nodiscard]] double load() const;
  /// How long a text that came now would about wait; 0 before the first batch.
  [[nodiscard]] std::chrono::duration<double> expected_wait() const;
  [[nodiscard]] const limits& bounds() const noexcept { return limits_; }

  /// Takes no more; returns when all that waited has been answered.
  void drain();

 private:
  struct waiting_job {
    job request;
    std::promise<answers> promise;
    std::chrono::steady_clock::time_point since;
  };

  void work();
  /// Jobs that run together, and their texts, which wait no longer.
  struct taken_batch {
    std::vector<waiting_job> jobs;
    std::size_t texts = 0;
    std::optional<std::chrono::steady_clock::time_point> deadline = {};  // the first of theirs
  };
  [[nodiscard]] bool has_room(const taken_batch& batch, const job& next) const;  // with the mutex held
  [[nodiscard]] taken_batch take_batch();
  void run(std::vector<waiting_job> batch, const offramp::exit_policy& policy) const;
  [[nodiscard]] double load_of(std::size_t texts) const;
  // With the mutex held:
  [[nodiscard]] std::chrono::duration<double> seconds_of(std::size_t texts) const;  // on one thread
  [[nodiscard]] std::chrono::duration<double> seconds_until_free() const;

  limits limits_;
  observer observe_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by the mutex.
  std::deque<waiting_job> jobs_;
  std::size_t waiting_texts_ = 0;
  std::size_t running_texts_ = 0;
  double seconds_per_text_ = 0.0;
  bool is_closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace offramp_serve
