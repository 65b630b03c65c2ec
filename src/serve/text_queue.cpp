// SPDX-License-Identifier: Apache-2.0
#include "text_queue.hpp"

#include <offramp/sentence_pair.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <iterator>
#include <string_view>

namespace offramp_serve {

using clock = std::chrono::steady_clock;

namespace {

/// The texts of jobs that run together, as the classifier takes them.
template <class Input>
std::vector<Input> inputs_of(const std::vector<const job*>& jobs) {
  std::vector<Input> inputs;
  for (const job* each : jobs) {
    for (const input_text& text : each->texts) {
      if constexpr (std::is_same_v<Input, offramp::sentence_pair>) {
        inputs.push_back({text.first, *text.second});
      } else {
        inputs.push_back(text.first);
      }
    }
  }
  return inputs;
}

bool are_pairs(const job& request) { return request.texts.front().second.has_value(); }

bool run_together(const job& first, const job& other) {
  return first.model == other.model && first.policy == other.policy && are_pairs(first) == are_pairs(other) &&
         first.deadline.has_value() == other.deadline.has_value() && !first.wants_exits && !other.wants_exits;
}

/// Requested when each of so many jobs has been stopped.
class common_stop {
 public:
  explicit common_stop(const std::vector<const job*>& jobs) : left_(jobs.size()) {
    for (const job* each : jobs) {
      callbacks_.emplace_back(each->stop, [this] {
        if (--left_ == 0) {
          source_.request_stop();
        }
      });
    }
  }

  [[nodiscard]] std::stop_token token() const noexcept { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::atomic<std::size_t> left_;
  std::deque<std::stop_callback<std::function<void()>>> callbacks_;
};

}  // namespace

text_queue::text_queue(limits bounds, observer observe) : limits_(bounds), observe_(std::move(observe)) {
  for (int i = 0; i < limits_.threads; ++i) {
    threads_.emplace_back([this] { work(); });
  }
}

text_queue::~text_queue() { drain(); }

std::optional<std::future<answers>> text_queue::submit(job request) {
  waiting_job waiting{std::move(request), {}, clock::now()};
  std::future<answers> future = waiting.promise.get_future();
  const std::size_t texts = waiting.request.texts.size();
  if (texts == 0) {
    waiting.promise.set_value({waiting.request.model->policies.at(0.0), {}, {}});
    return future;
  }
  {
    const std::scoped_lock lock(mutex_);
    const bool is_full = texts > limits_.waiting_texts - std::min(waiting_texts_, limits_.waiting_texts);
    const bool is_hopeless = waiting_texts_ > 0 && waiting.request.deadline &&
                             waiting.since + seconds_until_free() + seconds_of(texts) > *waiting.request.deadline;
    if (is_closed_ || is_full || is_hopeless) {
      return std::nullopt;
    }
    waiting_texts_ += texts;
    jobs_.push_back(std::move(waiting));
  }
  changed_.notify_one();
  return future;
}

std::size_t text_queue::waiting() const {
  const std::scoped_lock lock(mutex_);
  return waiting_texts_;
}

double text_queue::load_of(std::size_t texts) const {
  return std::min(1.0, static_cast<double>(texts) / static_cast<double>(std::max<std::size_t>(1, limits_.busy_texts)));
}

double text_queue::load() const { return load_of(waiting()); }

std::chrono::duration<double> text_queue::seconds_of(std::size_t texts) const {
  return std::chrono::duration<double>(seconds_per_text_ * static_cast<double>(texts));
}

std::chrono::duration<double> text_queue::seconds_until_free() const {
  return seconds_of(waiting_texts_ + running_texts_) / limits_.threads;
}

std::chrono::duration<double> text_queue::expected_wait() const {
  const std::scoped_lock lock(mutex_);
  return seconds_until_free();
}

void text_queue::drain() {
  {
    const std::scoped_lock lock(mutex_);
    is_closed_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

/// Whether a job may run with those of the batch: as they do, not too many, and all of them by the first deadline, so
/// that no text is cut short by that of another.
bool text_queue::has_room(const taken_batch& batch, const job& next) const {
  const std::size_t texts = batch.texts + next.texts.size();
  return texts <= limits_.texts_at_once && run_together(batch.jobs.front().request, next) &&
         (!next.deadline || clock::now() + seconds_of(texts) <= std::min(*batch.deadline, *next.deadline));
}

text_queue::taken_batch text_queue::take_batch() {
  taken_batch batch;
  while (!jobs_.empty()) {
    const job& next = jobs_.front().request;
    if (next.stop.stop_requested()) {
      waiting_texts_ -= next.texts.size();
      jobs_.pop_front();
      continue;
    }
    if (!batch.jobs.empty() && !has_room(batch, next)) {
      break;
    }
    batch.texts += next.texts.size();
    batch.deadline = batch.deadline ? std::min(batch.deadline, next.deadline) : next.deadline;
    batch.jobs.push_back(std::move(jobs_.front()));
    jobs_.pop_front();
  }
  waiting_texts_ -= batch.texts;
  return batch;
}

void text_queue::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return is_closed_ || !jobs_.empty(); });
    if (jobs_.empty()) {
      return;
    }
    const double load = load_of(waiting_texts_);
    taken_batch batch = take_batch();
    if (batch.jobs.empty()) {
      continue;  // nobody wanted what waited
    }
    running_texts_ += batch.texts;
    lock.unlock();
    const job& first = batch.jobs.front().request;
    offramp::exit_policy policy = first.policy ? *first.policy : first.model->policies.at(load);
    if (batch.deadline) {
      policy = policy.with_deadline(*batch.deadline);
    }
    const auto start = clock::now();
    run(std::move(batch.jobs), policy);
    const double seconds = std::chrono::duration<double>(clock::now() - start).count();
    lock.lock();
    running_texts_ -= batch.texts;
    constexpr double weight_of_latest = 0.1;
    const double latest = seconds / static_cast<double>(batch.texts);
    seconds_per_text_ += (seconds_per_text_ == 0.0 ? 1.0 : weight_of_latest) * (latest - seconds_per_text_);
  }
}

void text_queue::run(std::vector<waiting_job> batch, const offramp::exit_policy& policy) const {
  const served_model& model = *batch.front().request.model;
  const auto start = clock::now();
  std::vector<const job*> jobs;
  for (const waiting_job& each : batch) {
    jobs.push_back(&each.request);
  }
  const common_stop stop(jobs);
  const auto classify = [&](const auto& inputs) {
    const auto stopped_policy = policy.metered_by(model.meter).with_stop_token(stop.token());
    answers all{policy, model.classifier.try_classify_batch(inputs, stopped_policy), {}};
    if (jobs.front()->wants_exits) {
      for (auto input = inputs.begin(); input != inputs.end() && !stop.token().stop_requested(); ++input) {
        all.exits.push_back(model.classifier.classify_every_exit(*input));
      }
    }
    return all;
  };
  try {
    answers all = are_pairs(*jobs.front()) ? classify(inputs_of<offramp::sentence_pair>(jobs))
                                           : classify(inputs_of<std::string_view>(jobs));
    std::size_t begin = 0;
    for (waiting_job& each : batch) {
      const std::size_t end = begin + each.request.texts.size();
      const auto first = all.results.begin();
      answers own{policy,
                  {std::make_move_iterator(first + static_cast<std::ptrdiff_t>(begin)),
                   std::make_move_iterator(first + static_cast<std::ptrdiff_t>(end))},
                  std::move(all.exits),
                  start - each.since};
      begin = end;
      if (observe_) {
        observe_(model, own);
      }
      each.promise.set_value(std::move(own));
    }
  } catch (...) {
    for (waiting_job& each : batch) {
      try {
        each.promise.set_exception(std::current_exception());
      } catch (const std::future_error&) {  // it has its answers
      }
    }
  }
}

}  // namespace offramp_serve
