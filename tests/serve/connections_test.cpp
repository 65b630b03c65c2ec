// SPDX-License-Identifier: Apache-2.0
// What comes over a connection that no well-meaning client sends, and who gets a turn.
#include "serve/running_service.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace connections_test {

using namespace serve_test;

/// A client that sends what it likes.
class raw_client {
 public:
  explicit raw_client(const running_service& service) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(service.port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval only_ends_a_failure{60, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &only_ends_a_failure, sizeof only_ends_a_failure);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &only_ends_a_failure, sizeof only_ends_a_failure);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~raw_client() { close(socket_); }
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;

  /// Whether all of it was taken.
  bool say(const std::string& bytes) const {
    return send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  void say_no_more() const { (void)shutdown(socket_, SHUT_WR); }
  /// What comes next; empty where the service has ended the connection.
  [[nodiscard]] std::string hear() const {
    char buffer[4096];
    const ssize_t count = recv(socket_, buffer, sizeof buffer, 0);
    return {buffer, static_cast<std::size_t>(std::max<ssize_t>(0, count))};
  }
  [[nodiscard]] std::string hear_all() const {
    std::string all;
    for (std::string next = hear(); !next.empty(); next = hear()) {
      all += next;
    }
    return all;
  }

 private:
  int socket_;
};

TEST(requests, may_be_nested_however_deep) {
  const running_service service({"tiny"});
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  std::vector<std::string> bodies = {deep};
  for (const char* member : {"text", "texts", "pairs", "model", "threshold", "certified", "full_depth", "max_layer",
                             "deadline_ms", "exits", "unknown"}) {
    bodies.push_back(R"({"other": "a", ")" + std::string(member) + "\": " + deep + "}");
  }
  for (const std::string& body : bodies) {
    const auto [status, answer] = service.classify_text(body);
    EXPECT_EQ(status, 400) << body.substr(0, 40);
    EXPECT_EQ(answer["error"]["message"], "the body is nested more than 8 deep");
  }
  EXPECT_EQ(service.classify({{"text", "a"}}).first, 200);
}

TEST(requests, are_told_what_makes_them_too_large) {
  const running_service service({"tiny"}, {}, {.body_bytes = 50'000});
  const auto message_for = [&](std::size_t bytes, const char* type) {
    const auto response = service.client().Post("/v1/classify", std::string(bytes, ' '), type);
    EXPECT_EQ(response->status, 413);
    return json::parse(response->body)["error"]["message"].get<std::string>();
  };
  for (const char* type : {"application/json", "application/x-www-form-urlencoded"}) {
    EXPECT_EQ(message_for(60'000, type), "the body is too large, expected at most 50000 bytes");
    const auto response =
        service.client().Post("/v1/classify", R"({"text": ")" + std::string(20'000, 'a') + "\"}", type);
    EXPECT_EQ(response->status, 200);
  }
}

/// Sends JSON of so many bytes in chunks, as much of it as the service takes.
httplib::Result send_chunks(httplib::Client& client, const std::string& path, std::size_t bytes, std::size_t& sent) {
  return client.Post(
      path,
      [&, bytes](std::size_t /*offset*/, httplib::DataSink& sink) {
        const std::string json = R"({"text": "a"})";
        const std::size_t count = std::min<std::size_t>(bytes - sent, 1U << 16U);
        sent += count;
        const std::string spaces(count - (sent == bytes ? json.size() : 0), ' ');
        if (!sink.write(spaces.data(), spaces.size()) || (sent == bytes && !sink.write(json.data(), json.size()))) {
          return false;
        }
        if (sent == bytes) {
          sink.done();
        }
        return true;
      },
      "application/json");
}

TEST(requests, are_bounded_where_nobody_declares_their_length) {
  constexpr std::size_t most = 1U << 20U;
  const running_service service({"tiny"}, {}, {.body_bytes = most});
  const auto ask = [&](const std::string& path, std::size_t bytes) {
    httplib::Client client = service.client();
    client.set_keep_alive(true);
    std::size_t sent = 0;
    const auto response = send_chunks(client, path, bytes, sent);
    // Of a body that is refused the rest is not taken, beyond what the system holds.
    return std::pair(response ? response->status : 0, sent);
  };
  EXPECT_EQ(ask("/v1/classify", most).first, 200);
  constexpr std::size_t all = 256U * most;
  for (const char* path : {"/v1/classify", "/healthz", "/", "/nothing"}) {
    const auto [status, sent] = ask(path, all);
    EXPECT_TRUE(status == 0 || status == 413 || status == 405 || status == 404) << path << ": " << status;
    EXPECT_LT(sent, all / 2) << path;
  }
  for (const char* start : {"POST /v1/classify", "PUT /nothing"}) {
    const raw_client client(service);
    client.say(std::string(start) + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n");
    const std::string part(1U << 16U, ' ');  // of one chunk, without a line end
    std::size_t sent = 0;
    while (sent < all && client.say(part)) {
      sent += part.size();
    }
    EXPECT_LT(sent, all / 2) << start;
  }
  EXPECT_EQ(service.classify({{"text", "a"}}).first, 200);
}

TEST(requests, end_where_a_proxy_would_see_their_end) {
  const running_service service({"tiny"});
  const std::string json = R"({"text": "a"})";
  const std::string inner = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string length = "Content-Length: " + std::to_string(json.size()) + "\r\n";
  const std::string chunk = "d\r\n" + json + "\r\n0\r\n\r\n";
  for (const std::string& rest :
       {length + "Transfer-Encoding: chunked\r\n\r\n" + chunk, length + length + "\r\n" + json,
        "Content-Length: 13abc\r\n\r\n" + json, length + "Transfer-Encoding: gzip, chunked\r\n\r\n" + chunk,
        std::string("Transfer-Encoding: chunked\r\n\r\nd\r\n") + json + "\r\nXX\r\n",
        std::string("Content-Type: application/json\r\n\r\n")}) {
    const raw_client client(service);
    client.say("POST /v1/classify HTTP/1.1\r\nHost: a\r\n" + rest);
    std::string got = client.hear();
    client.say(inner);
    client.say_no_more();
    got += client.hear_all();
    EXPECT_TRUE(got.starts_with("HTTP/1.1 ")) << rest;
    EXPECT_EQ(got.find("offramp_requests_total"), std::string::npos) << rest;
  }
}

TEST(requests, are_bounded_unpacked) {
  // gzip of 1 MiB of spaces would be some 1 KiB.
  const running_service service({"tiny"}, {}, {.body_bytes = 50'000});
  httplib::Client client = service.client();
  client.set_compress(true);
  const auto response = client.Post("/v1/classify", std::string(1U << 20U, ' '), "application/json");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 413);
}

TEST(requests, get_all_of_an_answer) {
  const running_service service({"tiny"});
  std::string many = "bytes=0-";
  for (int range = 0; range < 500; ++range) {
    many += ",0-";
  }
  EXPECT_LT(service.client().Get("/", httplib::Headers{{"Range", many + ",5-2"}})->body.size(), 1000U) << "no ranges";
  for (const std::string& ranges : {std::string("bytes=0-5"), many}) {
    const auto page = service.client().Get("/", httplib::Headers{{"Range", ranges}});
    EXPECT_EQ(page->status, 200);
    EXPECT_EQ(page->body, service.client().Get("/")->body);
    const auto answer = service.client().Post("/v1/classify", httplib::Headers{{"Range", ranges}}, R"({"text": "a"})",
                                              "application/json");
    EXPECT_EQ(answer->status, 200);
    EXPECT_TRUE(json::accept(answer->body));
  }
}

/// A connection is kept until another waits for its thread.
TEST(connections, take_turns) {
  const running_service service({"tiny"}, {}, {.connections = 1});
  const auto ask = [](httplib::Client& client) {
    const auto response = client.Get("/healthz");
    EXPECT_TRUE(response);
    return response && response->get_header_value("Connection") == "close";
  };
  httplib::Client first = service.client();
  first.set_keep_alive(true);
  for (int request = 0; request < 20; ++request) {
    EXPECT_FALSE(ask(first)) << request;
  }
  std::thread second([&] {
    httplib::Client client = service.client();
    ask(client);
  });
  constexpr std::chrono::seconds only_ends_a_failure(60);
  const auto end = std::chrono::steady_clock::now() + only_ends_a_failure;
  bool has_closed = false;
  while (!has_closed && std::chrono::steady_clock::now() < end) {
    has_closed = ask(first);
  }
  EXPECT_TRUE(has_closed);
  second.join();
}

/// Where a body may not have been read it would be taken for the next request, so the connection ends.
TEST(connections, end_where_a_body_may_not_have_been_read) {
  const auto ends = [](const running_service& service, const std::string& method, const std::string& path,
                       const std::string& body) {
    httplib::Client client = service.client();
    client.set_keep_alive(true);
    httplib::Request request;
    request.method = method;
    request.path = path;
    request.body = body;
    const auto response = client.send(request);
    EXPECT_TRUE(response) << method << ' ' << path;
    return response && response->get_header_value("Connection") == "close";
  };
  const std::string inner = "GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string good = R"({"text": "a"})";
  const running_service open({"tiny"});
  EXPECT_TRUE(ends(open, "QUERY", "/v1/classify", good)) << "a method that cpp-httplib does not know";
  const raw_client client(open);
  client.say("QUERY /healthz?a=b HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string answer = client.hear();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 ")) << answer;
  EXPECT_NE(answer.find("Allow: GET, HEAD"), std::string::npos) << answer;
  EXPECT_TRUE(ends(open, "OPTIONS", "/v1/classify", inner));
  EXPECT_TRUE(ends(open, "GET", "/healthz", inner));
  EXPECT_TRUE(ends(open, "HEAD", "/healthz", inner));
  EXPECT_FALSE(ends(open, "GET", "/healthz", ""));
  EXPECT_FALSE(ends(open, "POST", "/v1/classify", good));
  const running_service closed({"tiny"}, {}, {.token = "secret"});
  EXPECT_TRUE(ends(closed, "POST", "/v1/classify", inner)) << "without its token";
  const running_service full({"tiny"}, {.waiting_texts = 0});
  EXPECT_FALSE(ends(full, "POST", "/v1/classify", good)) << "refused for load, having been read";
}

TEST(connections, hold_no_request_in_a_body) {
  const running_service service({"tiny"});
  const std::string inner = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const std::string start : {"GET /healthz", "PUT /v1/classify", "POST /healthz", "GET /nothing"}) {
    const std::string head =
        start + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(inner.size()) + "\r\n\r\n";
    for (const std::vector<std::string>& pieces : {std::vector{head + inner}, std::vector{head, inner}}) {
      const raw_client client(service);
      client.say(pieces.front());
      std::string got = client.hear();
      client.say(pieces.size() > 1 ? pieces.back() : "");
      client.say_no_more();
      got += client.hear_all();
      EXPECT_TRUE(got.starts_with("HTTP/1.1 ")) << start;
      EXPECT_EQ(got.find("offramp_requests_total"), std::string::npos) << start;
    }
  }
}

TEST(connections, of_a_client_that_does_not_let_go_end) {
  for (const char* request : {"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "nonsense\r\n\r\n"}) {
    const running_service service({"tiny"}, {}, {.connections = 1});
    const raw_client first(service);
    const auto ask = [&] {
      first.say(request);
      return first.hear();
    };
    ASSERT_NE(ask(), "");
    std::thread second([&] { EXPECT_TRUE(service.client().Get("/healthz")); });
    while (!ask().empty()) {  // which it may ignore the end of, but not have another answer after it
    }
    second.join();
  }
}

TEST(connections, come_to_one_service_of_a_port) {
  const running_service first({"tiny"});
  model_registry models;
  text_queue queue({});
  metrics counts;
  http_service second(models, queue, counts, {});
  EXPECT_THROW((void)second.bind("127.0.0.1", first.port()), std::runtime_error);
}

}  // namespace connections_test
