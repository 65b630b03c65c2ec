// SPDX-License-Identifier: Apache-2.0
// The service as a process: its signals, its token, its models.
#include "cli/process.hpp"

#include <httplib.h>

#include <gtest/gtest.h>

#include <csignal>
#include <string>
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
  const std::string token = folder.file("token", "secret\n");
  const conversation service(serve({"--model", model, tiny("tiny-pair"), "--token-file", token}));
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

TEST(serve_command, says_what_it_cannot_do) {
  const auto expect = [](std::vector<std::string> options, int status, const std::string& part) {
    const auto result = run_offramp(serve(std::move(options)));
    EXPECT_EQ(result.status, status);
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  };
  expect({"--model", "no-such-model"}, 1, "no-such-model");
  expect({"--model", tiny("tiny"), "--busy-certified", "0.01"}, 1, "no certificate for --busy-certified");
  expect({"--model", tiny("tiny"), "--threshold", "0.5", "--busy-threshold", "0.9"}, 1, "asks for more confidence");
  expect({"--model", tiny("tiny"), "--threads", "0"}, 2, "--threads");
  expect({"--model", tiny("tiny"), "--host", "256.0.0.1"}, 1, "256.0.0.1, port 0: cannot be listened on");
}

}  // namespace serve_command_test
