// SPDX-License-Identifier: Apache-2.0
// The service as a process: its signals, its token, its models.
#include "cli/process.hpp"
#include "serve/traffic.hpp"

#include <httplib.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace serve_command_test {

using offramp_tests::conversation;
using offramp_tests::run_offramp;
using offramp_tests::scratch_directory;
using offramp_tests::tiny;

/// The port in "serving at http://127.0.0.1:PORT/".
int port_of(const std::string& line) {
  const std::size_t colon = line.rfind(':');
  return colon == std::string::npos ? 0 : std::stoi(line.substr(colon + 1));
}

std::vector<std::string> serve(std::vector<std::string> more) {
  more.insert(more.begin(), {"serve", "--port", "0", "--format", "float32"});
  return more;
}

TEST(serve_command, answers_reloads_and_ends_as_asked) {
  const scratch_directory folder;
  const std::string model = folder.copy_of("tiny");
  const std::string token = folder.file("token", "secret\r\n");
  const conversation service(serve({"--model", model, tiny("tiny-pair/"), "--token-file", token}));
  httplib::Client client("127.0.0.1", port_of(service.hear()));
  client.set_bearer_token_auth("secret");
  const std::string request = R"({"text": "hello world"})";
  const auto before = client.Post("/v1/classify", request, "application/json");
  ASSERT_TRUE(before);
  EXPECT_EQ(before->status, 200);

  std::filesystem::remove(model + "/config.json");
  service.send_signal(SIGHUP);  // the model stays as it was
  const auto after = client.Post("/v1/classify", request, "application/json");
  ASSERT_TRUE(after);
  EXPECT_EQ(after->body, before->body);
  EXPECT_NE(client.Get("/v1/models")->body.find("\"tiny-pair\""), std::string::npos);
  client.stop();

  service.send_signal(SIGTERM);
  EXPECT_EQ(service.end(), 0);
}

TEST(serve_command, a_second_signal_does_not_wait_for_slow_clients) {
  const conversation service(serve({"--model", tiny("tiny")}));
  const int port = port_of(service.hear());
  httplib::Client slow("127.0.0.1", port);
  std::atomic<bool> has_begun = false;
  std::atomic<bool> is_over = false;
  std::thread client([&] {
    const auto send_slowly = [&](std::size_t, std::size_t, httplib::DataSink& sink) {
      has_begun = true;
      std::this_thread::yield();
      return !is_over && sink.write(" ", 1);
    };
    (void)slow.Post("/v1/classify", 4'000'000, send_slowly, "application/json");
  });
  while (!has_begun) {
    std::this_thread::yield();
  }
  ASSERT_TRUE(httplib::Client("127.0.0.1", port).Get("/healthz")) << "then it has taken the slow client, too";
  service.send_signal(SIGTERM);
  while (httplib::Client("127.0.0.1", port).Get("/healthz")) {  // until it takes no more connections
  }
  service.send_signal(SIGINT);
  EXPECT_NE(service.end(), 0);
  is_over = true;
  client.join();
}

TEST(serve_command, a_signal_as_soon_as_it_speaks_ends_it) {
  for (int repetition = 0; repetition < 20; ++repetition) {
    const conversation service(serve({"--model", tiny("tiny")}));
    ASSERT_NE(port_of(service.hear()), 0);
    service.send_signal(SIGTERM);
    ASSERT_EQ(service.end(), 0);
  }
}

std::size_t resident_mib(pid_t process) {
  std::size_t pages = 0;
  std::ifstream("/proc/" + std::to_string(process) + "/statm") >> pages >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) >> 20U;
}

/// What the mixed traffic of a few clients came to.
struct outcome {
  std::size_t answered = 0;
  std::size_t refused = 0;
  std::size_t begin_mib = 0;  ///< at most, of the service in the second tenth of the work
  std::size_t end_mib = 0;    ///< in the last
};

/// Sends mixed traffic until the work is done, a share of 1 of it, and reloads all the while.
outcome send_traffic(const conversation& service, const offramp_tests::traffic& all, const auto& share_done) {
  std::atomic<std::size_t> asked = 0;
  std::atomic<std::size_t> answered = 0;
  std::atomic<std::size_t> refused = 0;
  std::atomic<int> busy = 4;
  std::vector<std::thread> clients;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    clients.emplace_back([&, seed] {
      offramp_tests::traffic::client client(all, seed);
      while (share_done(asked) < 1.0) {
        EXPECT_EQ(client.ask(), "");
        ++asked;
      }
      answered += client.answered();
      refused += client.refused();
      --busy;
    });
  }
  outcome found;
  for (std::size_t reloaded = 0; busy > 0;) {
    const std::size_t mib = resident_mib(service.process());
    const double share = share_done(asked);
    if (share < 0.2) {
      found.begin_mib = share < 0.1 ? 0 : std::max(found.begin_mib, mib);
    } else if (share >= 0.9) {
      found.end_mib = std::max(found.end_mib, mib);
    }
    if (asked > reloaded + 200) {
      reloaded = asked;
      service.send_signal(SIGHUP);
    }
    std::this_thread::yield();
  }
  for (std::thread& each : clients) {
    each.join();
  }
  found.answered = answered;
  found.refused = refused;
  return found;
}

/// A few seconds with the tiny model; OFFRAMP_SOAK_SECONDS makes it longer, OFFRAMP_SOAK_MODEL and _FORMAT name
/// another.
TEST(serve_command, loses_nothing_amid_bad_traffic_and_reloads) {
  const auto variable = [](const char* name, const std::string& otherwise) {
    const char* value = std::getenv(name);
    return value == nullptr ? otherwise : value;
  };
  const std::string directory = variable("OFFRAMP_SOAK_MODEL", tiny("tiny"));
  const std::string format = variable("OFFRAMP_SOAK_FORMAT", "float32");
  const double seconds = std::stod(variable("OFFRAMP_SOAK_SECONDS", "0"));
  const conversation service(
      {"serve", "--port", "0", "--format", format, "--model", directory, "--busy-threshold", "0.5"});
  offramp::load_options options;
  options.format = format == "int8" ? offramp::numeric_format::int8 : offramp::numeric_format::float32;
  const int port = port_of(service.hear());
  ASSERT_NE(port, 0);
  const std::string name = std::filesystem::path(directory).filename().string();
  const offramp_tests::traffic all(port, name, offramp::classifier::load(directory, options));
  const auto start = std::chrono::steady_clock::now();
  const outcome found = send_traffic(service, all, [&](std::size_t asked) {
    const double passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    constexpr double few = 2000.0;
    return seconds > 0.0 ? passed / seconds : static_cast<double>(asked) / few;
  });
  EXPECT_GT(found.answered, 1000U);
  std::printf("%zu answered, %zu refused with 429; %zu MiB in the second tenth, %zu in the last\n", found.answered,
              found.refused, found.begin_mib, found.end_mib);
  if (seconds > 60.0) {
    EXPECT_LE(found.end_mib, found.begin_mib + found.begin_mib / 10);
  }
  service.send_signal(SIGTERM);
  EXPECT_EQ(service.end(), 0);
}

TEST(serve_command, a_policy_by_load_says_how_far_it_goes) {
  const conversation service(serve({"--model", tiny("tiny"), "--threshold", "0.9", "--busy-threshold", "0.5"}));
  httplib::Client client("127.0.0.1", port_of(service.hear()));
  const auto models = client.Get("/v1/models");
  ASSERT_TRUE(models);
  EXPECT_NE(models->body.find(R"("policy":"confidence >= 0.9","busiest_policy":"confidence by exit >= 0.5)"),
            std::string::npos)
      << models->body;
  client.stop();
  service.send_signal(SIGINT);
  EXPECT_EQ(service.end(), 0);
}

TEST(serve_command, runs_every_layer_where_told_so) {
  const conversation service(serve({"--model", tiny("tiny"), "--full-depth", "--busy-threshold", "0.5"}));
  httplib::Client client("127.0.0.1", port_of(service.hear()));
  const auto models = client.Get("/v1/models");
  ASSERT_TRUE(models);
  EXPECT_NE(models->body.find(R"("policy":"full depth")"), std::string::npos) << models->body;
  client.stop();
  service.send_signal(SIGINT);
  EXPECT_EQ(service.end(), 0);
}

TEST(serve_command, says_what_it_cannot_do) {
  const auto expect = [](std::vector<std::string> options, int status, const std::string& part) {
    const auto result = run_offramp(serve(std::move(options)));
    EXPECT_EQ(result.status, status);
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  };
  expect({"--model", "no-such-model"}, 1, "no-such-model");
  expect({"--model", tiny("tiny"), "--busy-certified", "0.01"}, 1, "tiny: no certificate for --busy-certified");
  expect(
      {"--model", tiny("tiny"), "--threshold", "0.5", "--busy-threshold", "0.9"}, 1,
      "tiny: the policy for high load asks for a confidence of 0.9 at the exit on layer 1, expected at most the 0.5");
  const scratch_directory folder;
  expect({"--model", tiny("tiny"), folder.copy_of("tiny") + "/"}, 2, "two are called tiny");
  expect({"--model", tiny("tiny"), "--threads", "0"}, 2, "--threads");
  expect({"--model", tiny("tiny"), "--threshold", "1.5"}, 2, "--threshold is 1.5, which no confidence reaches");
  expect({"--model", tiny("tiny"), "--busy-threshold", "1.5"}, 2, "--busy-threshold is 1.5, which no confidence");
  expect({"--model", tiny("tiny"), "--threshold", "0.5", "--full-depth"}, 2, "--full-depth");
  expect({"--model", tiny("tiny"), "--queue", "8", "--busy-texts", "9"}, 2,
         "--busy-texts is 9, expected at most --queue, 8");
  expect({"--model", tiny("tiny"), "--text-bytes", "4194305"}, 2, "--text-bytes");
  expect({"--model", tiny("tiny"), "--host", "256.0.0.1"}, 1, "256.0.0.1, port 0: cannot be listened on");
}

}  // namespace serve_command_test
