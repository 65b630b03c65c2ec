// SPDX-License-Identifier: Apache-2.0
// The service over loopback, against direct calls of the same models.
#include "serve/running_service.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace serve_test {

void expect_equal(const json& found, const offramp::prediction& expected) {
  EXPECT_EQ(found["label"], expected.label);
  EXPECT_EQ(found["score"].get<float>(), expected.confidence);
  EXPECT_EQ(found["layer"], expected.layer);
  EXPECT_EQ(found["truncated"], expected.truncated);
  EXPECT_EQ(found["scores"].size(), expected.probabilities.size());
}

TEST(serve, answers_as_a_direct_call) {
  const running_service service({"tiny", "tiny-pair"});
  const classifier model = classifier::load(models_folder + "tiny");
  const std::vector<std::string> texts = {"hello world", "", "good film \xff", "what a day"};
  const auto [status, all] = service.classify({{"texts", {"hello world", "", "what a day"}}, {"threshold", 0.4}});
  ASSERT_EQ(status, 200) << all;
  EXPECT_EQ(all["model"], "tiny");
  EXPECT_EQ(all["policy"], "confidence >= 0.4");
  ASSERT_EQ(all["results"].size(), 3U);
  expect_equal(all["results"][0], model.classify(texts[0], 0.4F));
  expect_equal(all["results"][1], model.classify(texts[1], 0.4F));
  expect_equal(all["results"][2], model.classify(texts[3], 0.4F));

  const auto [one_status, one] = service.classify({{"text", "hello world"}, {"exits", true}, {"max_layer", 1}});
  ASSERT_EQ(one_status, 200) << one;
  expect_equal(one["results"][0], model.classify("hello world", model.default_policy().with_max_layer(1)));
  EXPECT_EQ(one["results"][0]["exits"].size(), model.exits().size());

  const auto [full_status, full] = service.classify({{"text", "hello world"}, {"full_depth", true}});
  ASSERT_EQ(full_status, 200) << full;
  EXPECT_EQ(full["policy"], "full depth");
  expect_equal(full["results"][0], model.classify("hello world", offramp::exit_policy::full_depth()));
  EXPECT_EQ(service.classify({{"text", "a"}, {"full_depth", false}, {"threshold", 0.4}}).second["policy"],
            "confidence >= 0.4");

  const classifier pairs = classifier::load(models_folder + "tiny-pair");
  const auto [pair_status, pair] =
      service.classify_text(R"({"pairs": [["good film", "good"]], "model": "tiny-pair", "deadline_ms": 60000})");
  ASSERT_EQ(pair_status, 200) << pair;
  expect_equal(pair["results"][0], pairs.classify(offramp::sentence_pair{"good film", "good"}));
  EXPECT_EQ(service.classify({{"texts", json::array()}}).second["results"], json::array());
}

TEST(serve, gives_all_labels_of_a_multi_label_model) {
  const running_service service({"multi-label-exits"});
  const auto model = load("multi-label-exits");
  const offramp::prediction expected = model->classifier.classify("a good film");
  const auto [status, body] = service.classify({{"text", "a good film"}, {"exits", true}});
  ASSERT_EQ(status, 200) << body;
  const json& result = body.at("results").at(0);
  std::vector<std::string> names;
  for (const int label : expected.label_ids) {
    names.push_back(model->classifier.labels()[static_cast<std::size_t>(label)]);
  }
  EXPECT_EQ(result.at("labels").get<std::vector<std::string>>(), names);
  EXPECT_FALSE(result.contains("label"));
  EXPECT_EQ(result.at("score").get<float>(), expected.confidence);
  EXPECT_TRUE(result.at("exits").at(0).at("labels").is_array());
}

TEST(serve, many_requests_at_once_have_the_answers_of_each_alone) {
  const running_service service({"tiny"}, {.threads = 2});
  const classifier model = classifier::load(models_folder + "tiny");
  std::vector<std::thread> clients;
  for (int thread = 0; thread < 8; ++thread) {
    clients.emplace_back([&, thread] {
      httplib::Client client = service.client();
      client.set_keep_alive(true);
      for (int i = 0; i < 40; ++i) {
        const std::string text = "text " + std::to_string(thread * 40 + i) + " good day";
        const float threshold = i % 2 == 0 ? 0.35F : 0.9F;
        const auto response =
            client.Post("/v1/classify", json{{"text", text}, {"threshold", threshold}}.dump(), "application/json");
        ASSERT_TRUE(response);
        ASSERT_EQ(response->status, 200);
        expect_equal(json::parse(response->body)["results"][0], model.classify(text, threshold));
      }
    });
  }
  for (std::thread& each : clients) {
    each.join();
  }
  const std::string page = service.client().Get("/metrics")->body;
  EXPECT_NE(page.find("offramp_requests_total{status=\"200\"} 320\n"), std::string::npos) << page;
  EXPECT_NE(page.find("offramp_queue_seconds_count{model=\"tiny\"} 320\n"), std::string::npos) << page;
  EXPECT_NE(page.find("offramp_texts_total{model=\"tiny\",layer="), std::string::npos) << page;
}

TEST(serve, says_what_is_wrong) {
  http_service::settings settings{.body_bytes = 4096};
  settings.requests = {.texts = 3, .text_bytes = 100};
  const running_service service({"tiny"}, {}, settings);
  struct wrong_use {
    std::string body;
    int status;
    std::string part;
  };
  for (const wrong_use& wrong : std::vector<wrong_use>{
           {"", 400, "no JSON object"},
           {"[]", 400, "no JSON object"},
           {R"({"text": "a")", 400, "no JSON object"},
           {R"({})", 400, "expected one of text, texts and pairs"},
           {R"({"text": "a", "texts": ["a"]})", 400, "expected one of text, texts and pairs"},
           {R"({"text": 3})", 400, "text is no string"},
           {R"({"texts": "a"})", 400, "texts is no array"},
           {R"({"texts": ["a", 1]})", 400, "texts[1] is no string"},
           {R"({"pairs": [["a"]]})", 400, "pairs[0] is no array of two texts"},
           {R"({"pairs": [["a", null]]})", 400, "pairs[0][1] is no string"},
           {R"({"text": "a", "treshold": 0.5})", 400, R"(unknown member "treshold")"},
           {R"({"text": "a", "text": "b"})", 400, R"(member "text" stands twice)"},
           {R"({"text": "a", "threshold": 90})", 400, "threshold is 90, expected a number from 0.0 to 1.0"},
           {R"({"text": "a", "threshold": "0.9"})", 400, "threshold is \"0.9\""},
           {R"({"text": "a", "threshold": 0.9, "certified": 0.01})", 400, "one of threshold, certified and full_depth"},
           {R"({"text": "a", "threshold": 0.9, "full_depth": true})", 400,
            "one of threshold, certified and full_depth"},
           {R"({"text": "a", "full_depth": 1})", 400, "full_depth is no boolean"},
           {R"({"text": "a", "certified": 0.01})", 400, "no certificate of at most 0.01 for float32"},
           {R"({"text": "a", "max_layer": 1.5})", 400, "max_layer is no integer"},
           {R"({"text": "a", "max_layer": 99})", 400, "max_layer is 99"},
           {R"({"text": "a", "deadline_ms": -1})", 400, "deadline_ms is -1"},
           {R"({"text": "a", "exits": 1})", 400, "exits is no boolean"},
           {R"({"text": "a", "exits": true, "deadline_ms": 9})", 400, "expected deadline_ms or exits, not both"},
           {R"({"text": "a", "threshold": [1, [2]]})", 400, "threshold is of type array"},
           {R"({"text": "a", "certified": {}})", 400, "certified is of type object"},
           {R"({"text": "a", "deadline_ms": ")" + std::string(999, 'b') + R"("})", 400, "is of type string"},
           {R"({"text": "a", ")" + std::string(999, 'b') + R"(": 1})", 400, std::string(64, 'b') + '"'},
           {R"({"text": "a", "model": "other"})", 404, "no such model"},
           {R"({"texts": ["a", "b", "c", "d"]})", 413, "texts has 4 elements, expected at most 3"},
           {R"({"text": ")" + std::string(101, 'a') + R"("})", 413, "text has 101 bytes, expected at most 100"},
           {std::string(5000, ' '), 413, "too large"}}) {
    const auto [status, answer] = service.classify_text(wrong.body);
    EXPECT_EQ(status, wrong.status) << wrong.body;
    EXPECT_NE(answer["error"]["message"].get<std::string>().find(wrong.part), std::string::npos) << answer;
  }
  EXPECT_EQ(service.client().Get("/nothing")->status, 404);
  const auto other_method = service.client().Put("/v1/classify", "{}", "application/json");
  EXPECT_EQ(other_method->status, 405);
  EXPECT_EQ(other_method->get_header_value("Allow"), "POST");
  EXPECT_EQ(service.client().Post("/v1/models", "", "text/plain")->get_header_value("Allow"), "GET, HEAD");
  EXPECT_NE(service.client().Get("/")->body.find("<title>offramp</title>"), std::string::npos);
  EXPECT_EQ(service.client().Get("/readyz")->status, 200);
}

TEST(serve, wants_its_token) {
  const running_service service({"tiny"}, {}, {.token = "secret"});
  httplib::Client client = service.client();
  EXPECT_EQ(client.Get("/healthz")->status, 200);
  EXPECT_EQ(client.Get("/")->status, 200) << "the page asks for the token";
  EXPECT_EQ(client.Get("/v1/models")->status, 401);
  EXPECT_EQ(client.Get("/v1/models", httplib::Headers{{"Authorization", "Bearer secre"}})->status, 401);
  EXPECT_EQ(client.Get("/v1/models", httplib::Headers{{"Authorization", "Bearer secret2"}})->status, 401);
  EXPECT_EQ(client.Get("/v1/models", httplib::Headers{{"Authorization", "Bearer secret"}})->status, 200);
}

TEST(serve, a_full_queue_says_so) {
  const running_service service({"tiny"}, {.waiting_texts = 2});
  EXPECT_EQ(service.classify({{"texts", {"a", "b"}}}).first, 200);
  EXPECT_EQ(service.classify({{"texts", {"a", "b", "c"}}}).first, 413) << "there is never room for them";
  const running_service full({"tiny"}, {.waiting_texts = 0});
  const auto response = full.client().Post("/v1/classify", R"({"text": "a"})", "application/json");
  EXPECT_EQ(response->status, 429);
  EXPECT_GE(std::stoi(response->get_header_value("Retry-After")), 1);
}

TEST(serve, a_reload_loses_nothing_and_keeps_what_cannot_be_loaded) {
  running_service service({"tiny"});
  int loads = 0;
  service.models.add("second", [&]() -> std::shared_ptr<const served_model> {
    if (++loads > 1) {
      throw std::runtime_error("gone");
    }
    return load("tiny-pair");
  });
  const auto before = service.models.find("tiny");
  EXPECT_EQ(service.models.reload(), std::vector<std::string>{"gone"});
  EXPECT_NE(service.models.find("tiny"), before);
  EXPECT_NE(service.models.find("second"), nullptr);
  EXPECT_EQ(service.classify({{"text", "hello"}}).first, 200);
}

TEST(text_queue, drains_what_waits_and_takes_no_more) {
  const auto model = load("tiny");
  text_queue queue({.threads = 1});
  std::vector<std::future<answers>> coming;
  for (int i = 0; i < 50; ++i) {
    auto future = queue.submit({.model = model, .texts = {{"text " + std::to_string(i), std::nullopt}}});
    ASSERT_TRUE(future);
    coming.push_back(std::move(*future));
  }
  queue.drain();
  for (auto& future : coming) {
    EXPECT_EQ(future.get().results.size(), 1U);
  }
  EXPECT_FALSE(queue.submit({.model = model, .texts = {{"late", std::nullopt}}}));
}

TEST(policy_range, falls_with_load_and_never_below_the_busy_policy) {
  const classifier model = classifier::load(models_folder + "tiny");
  const std::size_t exits = model.exits().size();
  const policy_range range(exit_policy(0.9F).with_max_layer(model.exits().back().layer), 0.5F, model);
  EXPECT_EQ(range.at(0.0).threshold(), 0.9F);
  EXPECT_EQ(range.at(-1.0), range.at(0.0));
  EXPECT_EQ(range.at(2.0), range.at(1.0));
  EXPECT_EQ(range.at(1.0).thresholds().front(), std::vector<float>(exits, 0.5F));
  EXPECT_EQ(range.at(1.0).max_layer(), model.exits().back().layer);
  float last = 0.9F;
  for (int step = 1; step <= 16; ++step) {
    const float threshold = range.at(step / 16.0).thresholds().front().front();
    EXPECT_LT(threshold, last);
    EXPECT_GE(threshold, 0.5F);
    last = threshold;
    EXPECT_NO_THROW(model.check(range.at(step / 16.0)));
  }
  EXPECT_THROW(policy_range(0.5F, 0.9F, model), std::invalid_argument);
  EXPECT_THROW(policy_range(exit_policy::patience(1), 0.9F, model), std::invalid_argument);
  EXPECT_EQ(policy_range(exit_policy::patience(1)).at(1.0), exit_policy::patience(1));
  const policy_range from_full(exit_policy::full_depth(), 0.5F, model);
  EXPECT_EQ(from_full.at(0.0), exit_policy::full_depth());
  EXPECT_EQ(from_full.at(0.5).thresholds().front().front(), 0.75F);
}

}  // namespace serve_test
