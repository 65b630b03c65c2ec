// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>

#include <httplib.h>
#include <nlohmann/json.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace offramp_tests {

/// Sends good and bad requests to a service, in random order, and compares every answer with a direct call of the same
/// model. Immutable: one serves many threads.
class traffic {
 public:
  /// To the service at that port of this machine, whose model, of exclusive labels, is called `name` there.
  traffic(int port, std::string name, const offramp::classifier& model)
      : port_(port), name_(std::move(name)), labels_(model.labels()) {
    std::mt19937_64 random(1);
    for (int i = 0; i < 100; ++i) {
      std::string text;
      for (std::size_t word = 0; word < 1 + random() % 30; ++word) {
        static const std::vector<std::string> words = {"good", "bad",          "film", "the",
                                                       "not",  "\xEA\xB0\x80", "!",    "dull"};
        text += words[random() % words.size()] + " ";
      }
      texts_.push_back({text, model.classify_every_exit(text)});
    }
  }

  /// One client, with a connection that it keeps while the service does.
  class client {
   public:
    client(const traffic& all, std::uint64_t seed) : all_(all), http_("127.0.0.1", all.port_), random_(seed) {
      http_.set_keep_alive(true);
      http_.set_tcp_nodelay(true);
    }

    /// Asks once. Returns what was wrong with the answer; nothing where it was right.
    std::string ask() {
      switch (random_() % 10) {
        case 0:
          return ask_nonsense();
        case 1:
          leave();
          return {};
        case 2:
          return ask_deadline();
        case 3:
          return ask_texts(1 + random_() % 20);
        default:
          return ask_texts(1);
      }
    }

    [[nodiscard]] std::size_t answered() const { return answered_; }
    [[nodiscard]] std::size_t refused() const { return refused_; }

   private:
    using json = nlohmann::json;

    [[nodiscard]] std::size_t draw_text() { return random_() % all_.texts_.size(); }

    std::string ask_texts(std::size_t count) {
      const std::vector<double> thresholds = {0.0, 0.4, 0.6, 0.9, 1.0};
      const double threshold = thresholds[random_() % thresholds.size()];
      std::vector<std::size_t> chosen(count);
      std::generate(chosen.begin(), chosen.end(), [this] { return draw_text(); });
      json request = {{"texts", json::array()}, {"threshold", threshold}, {"model", all_.name_}};
      for (const std::size_t text : chosen) {
        request["texts"].push_back(all_.texts_[text].text);
      }
      const auto response = http_.Post("/v1/classify", request.dump(), "application/json");
      if (!response || response->status != 200) {
        return refusal(response, request);
      }
      const json answer = json::parse(response->body);
      for (std::size_t i = 0; i < count; ++i) {
        const std::string wrong = all_.compare(answer["results"].at(i), chosen[i], static_cast<float>(threshold));
        if (!wrong.empty()) {
          return wrong;
        }
      }
      ++answered_;
      return {};
    }

    /// Where time runs out is not known before; what the exit there says is.
    std::string ask_deadline() {
      const std::size_t text = draw_text();
      const json request = {{"text", all_.texts_[text].text}, {"deadline_ms", random_() % 20}, {"model", all_.name_}};
      const auto response = http_.Post("/v1/classify", request.dump(), "application/json");
      if (!response || response->status != 200) {
        return refusal(response, request);
      }
      ++answered_;
      return all_.compare_at_its_layer(json::parse(response->body)["results"].at(0), text);
    }

    std::string ask_nonsense() {
      static const std::vector<std::pair<std::string, int>> bodies = {{"{", 400},
                                                                      {R"({"text": 1})", 400},
                                                                      {R"({"text": "a", "threshold": 9})", 400},
                                                                      {R"({"text": "a", "model": "none"})", 404},
                                                                      {R"({"text": ")" + std::string(300, 'a'), 400}};
      const auto& [body, status] = bodies[random_() % bodies.size()];
      const auto response = http_.Post("/v1/classify", body, "application/json");
      if (!response || response->status != status) {
        return body + ": " + (response ? std::to_string(response->status) : "no answer");
      }
      ++answered_;
      return {};
    }

    /// Connects, sends a request or a part of one, and goes away.
    void leave() {
      const std::string body = json{{"text", all_.texts_[draw_text()].text}, {"threshold", 1.0}}.dump();
      std::string request =
          "POST /v1/classify HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: " +
          std::to_string(body.size()) + "\r\n\r\n" + body;
      request.resize(random_() % 2 == 0 ? request.size() : random_() % request.size());
      const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(static_cast<std::uint16_t>(all_.port_));
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      if (connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
        (void)send(socket, request.data(), request.size(), MSG_NOSIGNAL);
      }
      close(socket);
    }

    /// A queue that is full may refuse.
    std::string refusal(const httplib::Result& response, const json& request) {
      if (response && response->status == 429) {
        ++refused_;
        return {};
      }
      return request.dump() + ": " + (response ? response->body : httplib::to_string(response.error()));
    }

    const traffic& all_;
    httplib::Client http_;
    std::mt19937_64 random_;
    std::size_t answered_ = 0;
    std::size_t refused_ = 0;
  };

 private:
  struct known_text {
    std::string text;
    std::vector<offramp::exit_output> outputs;
  };

  [[nodiscard]] std::string compare(const nlohmann::json& found, std::size_t text, float threshold) const {
    const auto& outputs = texts_[text].outputs;
    auto leaves = std::find_if(outputs.begin(), outputs.end(), [threshold](const offramp::exit_output& output) {
      return output.answer.confidence >= threshold;
    });
    leaves = leaves == outputs.end() ? leaves - 1 : leaves;
    return found["layer"] == leaves->answer.layer
               ? compare_at_its_layer(found, text)
               : found.dump() + ": left at another layer than " + std::to_string(leaves->answer.layer);
  }

  [[nodiscard]] std::string compare_at_its_layer(const nlohmann::json& found, std::size_t text) const {
    for (const offramp::exit_output& output : texts_[text].outputs) {
      if (found.contains("layer") && found["layer"] == output.answer.layer) {
        bool is_right =
            found["label"] == output.answer.label && found["score"].get<float>() == output.answer.confidence;
        for (std::size_t label = 0; label < labels_.size(); ++label) {
          is_right = is_right && found["scores"][labels_[label]].get<float>() == output.answer.probabilities[label];
        }
        return is_right ? "" : found.dump() + ": a direct call says " + output.answer.label;
      }
    }
    return found.dump() + ": no answer of an exit";
  }

  int port_;
  std::string name_;
  std::vector<std::string> labels_;
  std::vector<known_text> texts_;
};

}  // namespace offramp_tests
