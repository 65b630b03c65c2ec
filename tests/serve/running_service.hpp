// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <serve/http_service.hpp>

#include <httplib.h>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace serve_test {

using namespace offramp_serve;
using nlohmann::json;
using offramp::classifier;
using offramp::exit_policy;

inline const std::string models_folder = OFFRAMP_TEST_DATA "/models/";

inline std::shared_ptr<const served_model> load(const std::string& name) {
  const classifier model = classifier::load(models_folder + name);
  return std::make_shared<const served_model>(served_model{name, model, policy_range(model.default_policy()), {}});
}

/// A running service with some models, on a free port.
class running_service {
 public:
  explicit running_service(const std::vector<std::string>& names, text_queue::limits limits = {},
                           http_service::settings settings = {})
      : queue_(limits,
               [this](const served_model& model, const answers& given) { counts_.count_answers(model, given); }),
        service_(add_all(names), queue_, counts_, std::move(settings)),
        port_(service_.bind("127.0.0.1", 0)),
        thread_([this] { service_.run(); }) {}
  ~running_service() {
    service_.stop();
    thread_.join();
  }
  running_service(const running_service&) = delete;
  running_service& operator=(const running_service&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] httplib::Client client() const {
    httplib::Client made("127.0.0.1", port_);
    made.set_tcp_nodelay(true);
    return made;
  }
  [[nodiscard]] std::pair<int, json> classify(const json& request) const { return classify_text(request.dump()); }
  [[nodiscard]] std::pair<int, json> classify_text(const std::string& body) const {
    const auto response = client().Post("/v1/classify", body, "application/json");
    EXPECT_TRUE(response) << body;
    return {response->status, json::parse(response->body)};
  }
  model_registry models;

 private:
  model_registry& add_all(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      models.add(name, [name] { return load(name); });
    }
    return models;
  }

  metrics counts_;
  text_queue queue_;
  http_service service_;
  int port_;
  std::thread thread_;
};

}  // namespace serve_test
