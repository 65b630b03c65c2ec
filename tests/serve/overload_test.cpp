// SPDX-License-Identifier: Apache-2.0
// Clients that leave, deadlines that pass in the queue, bad traffic and reloads.
#include "serve/running_service.hpp"
#include "serve/traffic.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <future>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace overload_test {

using namespace serve_test;

/// Bad requests, clients that leave and reloads disturb nobody: every answer is that of a direct call. Some 600
/// requests; OFFRAMP_SOAK_SECONDS makes it longer.
TEST(serve, answers_right_amid_bad_traffic_and_reloads) {
  running_service service({"tiny"}, {.waiting_texts = 64, .busy_texts = 16, .threads = 2});
  const offramp_tests::traffic all(service.port(), "tiny", classifier::load(models_folder + "tiny"));
  const char* const wanted = std::getenv("OFFRAMP_SOAK_SECONDS");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(wanted == nullptr ? 0 : std::atoi(wanted));
  std::atomic<int> busy = 4;
  std::atomic<std::size_t> answered = 0;
  std::vector<std::thread> clients;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    clients.emplace_back([&, seed] {
      offramp_tests::traffic::client client(all, seed);
      for (int i = 0; i < 150 || std::chrono::steady_clock::now() < end; ++i) {
        EXPECT_EQ(client.ask(), "");
      }
      answered += client.answered();
      --busy;
    });
  }
  while (busy > 0) {
    EXPECT_TRUE(service.models.reload().empty());
  }
  for (std::thread& each : clients) {
    each.join();
  }
  EXPECT_GT(answered, 100U);
}

/// A queue whose one thread is held after each of its batches until it may go on, where it holds them.
struct held_queue {
  std::promise<void> may_go;
  std::shared_future<void> gone = may_go.get_future().share();
  std::atomic<bool> holds = true;
  std::atomic<int> batches = 0;
  text_queue queue{{.threads = 1}, [this](const served_model&, const answers&) {
                     ++batches;
                     if (holds) {
                       gone.wait();
                     }
                   }};

  /// Returns when the thread is held by a job.
  std::future<answers> occupy(const std::shared_ptr<const served_model>& model) {
    const int before = batches;
    auto first = queue.submit({.model = model, .texts = {{"first", std::nullopt}}});
    while (batches == before) {
      std::this_thread::yield();
    }
    return std::move(*first);
  }
};

TEST(text_queue, drops_a_job_that_is_stopped_while_it_waits) {
  const auto model = load("tiny");
  held_queue held;
  auto first = held.occupy(model);
  std::stop_source stop;
  auto dropped = held.queue.submit({.model = model, .texts = {{"second", std::nullopt}}, .stop = stop.get_token()});
  auto last = held.queue.submit({.model = model, .texts = {{"third", std::nullopt}}});
  stop.request_stop();
  held.may_go.set_value();
  EXPECT_EQ(first.get().results.size(), 1U);
  EXPECT_EQ(last->get().results.size(), 1U);
  EXPECT_THROW(dropped->get(), std::future_error);
  held.queue.drain();
  EXPECT_EQ(held.batches, 2);
  EXPECT_EQ(held.queue.waiting(), 0U);
}

TEST(text_queue, stops_a_batch_that_nobody_waits_for) {
  const auto model = load("tiny");
  const std::size_t many = 20000;
  text_queue queue({.waiting_texts = 2 * many, .texts_at_once = 2 * many, .threads = 1});
  std::stop_source stop;
  const auto submit = [&](std::size_t count, std::string text) {
    std::vector<input_text> texts(count, {std::move(text), std::nullopt});
    return std::move(*queue.submit(
        {.model = model, .texts = std::move(texts), .policy = exit_policy::full_depth(), .stop = stop.get_token()}));
  };
  std::string long_text;
  for (int word = 0; word < 400; ++word) {
    long_text += "word ";
  }
  auto coming = submit(many, long_text);
  while (queue.waiting() > 0) {
    std::this_thread::yield();
  }
  stop.request_stop();
  const answers given = coming.get();
  EXPECT_EQ(std::get<offramp::prediction>(given.results.back()).stopped, offramp::stop_reason::cancelled);
}

TEST(text_queue, runs_a_batch_on_for_whoever_still_waits) {
  const auto model = load("tiny");
  held_queue held;
  auto first = held.occupy(model);
  std::stop_source stop;
  const std::vector<input_text> texts(30, {"a text of some words", std::nullopt});
  auto leaves = held.queue.submit({.model = model, .texts = texts, .stop = stop.get_token()});
  auto stays = held.queue.submit({.model = model, .texts = texts});
  held.may_go.set_value();
  while (held.queue.waiting() > 0) {
    std::this_thread::yield();
  }
  stop.request_stop();
  for (const auto& result : stays->get().results) {
    EXPECT_NE(std::get<offramp::prediction>(result).stopped, offramp::stop_reason::cancelled);
  }
}

TEST(text_queue, refuses_what_would_wait_until_its_deadline) {
  const auto model = load("tiny");
  held_queue held;
  auto first = held.occupy(model);
  const auto now = std::chrono::steady_clock::now();
  const auto submit = [&](std::chrono::steady_clock::time_point deadline) {
    return held.queue.submit({.model = model, .texts = {{"late", std::nullopt}}, .deadline = deadline}).has_value();
  };
  EXPECT_TRUE(submit(now)) << "nothing waits";
  EXPECT_FALSE(submit(now));
  EXPECT_TRUE(submit(now + std::chrono::hours(1)));
  held.may_go.set_value();
}

TEST(text_queue, refuses_what_would_take_until_its_deadline) {
  const auto model = load("tiny");
  held_queue held;
  held.holds = false;
  held.queue.submit({.model = model, .texts = {{"tells how long a text takes", std::nullopt}}})->get();
  held.holds = true;
  auto runs = held.occupy(model);
  auto waits = held.queue.submit({.model = model, .texts = {{"waits", std::nullopt}}});
  const auto of_a_text = held.queue.expected_wait() / 2;
  const auto takes = [&](std::size_t texts, std::chrono::duration<double> allowed) {
    const auto until = std::chrono::duration_cast<std::chrono::steady_clock::duration>(allowed);
    return held.queue
        .submit({.model = model,
                 .texts = std::vector<input_text>(texts, {"text", std::nullopt}),
                 .deadline = std::chrono::steady_clock::now() + until})
        .has_value();
  };
  EXPECT_GT(of_a_text.count(), 0.0);
  EXPECT_FALSE(takes(500, 400 * of_a_text));
  EXPECT_TRUE(takes(500, std::chrono::hours(1)));
  held.may_go.set_value();
}

/// Until a deadline that is far off, those of several requests run together; a deadline that is near stays alone, and
/// cuts short nobody else.
TEST(text_queue, runs_requests_with_deadlines_together_while_there_is_time) {
  const auto model = load("tiny");
  const auto now = std::chrono::steady_clock::now();
  const auto policies = [&](std::vector<std::chrono::steady_clock::time_point> deadlines) {
    held_queue held;
    auto first = held.occupy(model);
    std::vector<std::future<answers>> coming;
    for (const auto& deadline : deadlines) {
      coming.push_back(
          std::move(*held.queue.submit({.model = model, .texts = {{"a text", std::nullopt}}, .deadline = deadline})));
    }
    held.may_go.set_value();
    std::vector<exit_policy> found;
    for (auto& each : coming) {
      found.push_back(each.get().policy);
    }
    return found;
  };
  const auto far = now + std::chrono::hours(24);
  const auto farther = far + std::chrono::hours(24);
  EXPECT_EQ(policies({far, farther})[1].deadline(), far) << "with the first, by its deadline";
  EXPECT_EQ(policies({farther, far})[0].deadline(), far);
  EXPECT_EQ(policies({now, far})[1].deadline(), far) << "by itself";
}

/// The only thread of the service is busy until the client of the second request has gone.
TEST(serve, drops_the_request_of_a_client_that_leaves) {
  std::promise<void> may_go;
  const auto gone = may_go.get_future().share();
  const auto model = load("tiny");
  model_registry models;
  models.add("tiny", [&] { return model; });
  metrics counts;
  text_queue queue({.threads = 1}, [&](const served_model& of, const answers& given) {
    counts.count_answers(of, given);
    gone.wait();
  });
  http_service service(models, queue, counts, {});
  const int port = service.bind("127.0.0.1", 0);
  std::thread serving([&] { service.run(); });
  std::thread first([&] {
    EXPECT_EQ(httplib::Client("127.0.0.1", port).Post("/v1/classify", R"({"text": "a"})", "application/json")->status,
              200);
  });
  const auto until = [&](const std::string& line) {
    constexpr std::chrono::seconds only_ends_a_failure(60);
    const auto end = std::chrono::steady_clock::now() + only_ends_a_failure;
    while (counts.text(models, queue).find(line) == std::string::npos && std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
    }
    return counts.text(models, queue).find(line) != std::string::npos;
  };
  EXPECT_TRUE(until("offramp_queue_seconds_count{model=\"tiny\"} 1\n"));
  httplib::Client leaver("127.0.0.1", port);
  std::thread second([&] { EXPECT_FALSE(leaver.Post("/v1/classify", R"({"text": "b"})", "application/json")); });
  EXPECT_TRUE(until("offramp_queue_texts 1\n"));
  leaver.stop();
  second.join();
  EXPECT_TRUE(until("offramp_requests_total{status=\"499\"} 1\n"));
  may_go.set_value();
  first.join();
  service.stop();
  serving.join();
  queue.drain();
  EXPECT_TRUE(until("offramp_queue_seconds_count{model=\"tiny\"} 1\n")) << "the second was not classified";
}

}  // namespace overload_test
