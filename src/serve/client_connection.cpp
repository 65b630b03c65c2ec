// SPDX-License-Identifier: Apache-2.0
#include "client_connection.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <exception>
#include <filesystem>
#include <system_error>

namespace offramp_serve {

namespace {

/// The port of an address of the internet; -1 of others.
int port_of(const sockaddr_storage& address) {
  switch (address.ss_family) {
    case AF_INET:
      return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
    case AF_INET6:
      return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
    default:
      return -1;
  }
}

}  // namespace

bool client_connection::leads_to_client(int socket) const {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) != 0 || port_of(peer) != port_) {
    return false;
  }
  char host[NI_MAXHOST];
  return getnameinfo(reinterpret_cast<sockaddr*>(&peer), size, host, sizeof host, nullptr, 0, NI_NUMERICHOST) == 0 &&
         host == address_;
}

int client_connection::find() const {
  thread_local int last_found = missing;  // a thread serves a connection until that closes
  if (last_found != missing && leads_to_client(last_found)) {
    return last_found;
  }
  std::error_code ignored;
  for (std::filesystem::directory_iterator entry("/dev/fd", ignored), end; !ignored && entry != end;
       entry.increment(ignored)) {
    const std::string name = entry->path().filename().string();
    int descriptor = missing;
    std::from_chars(name.data(), name.data() + name.size(), descriptor);
    if (descriptor >= 0 && leads_to_client(descriptor)) {
      last_found = descriptor;
      return descriptor;
    }
  }
  return missing;
}

bool client_connection::is_found() {
  if (socket_ == unknown) {
    socket_ = find();
  }
  return socket_ != missing;
}

void client_connection::end(std::size_t most) noexcept {
  try {
    if (!is_found()) {
      return;
    }
  } catch (const std::exception&) {  // no memory to look for it
    return;
  }
  using clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds longest(500);
  const clock::time_point end = clock::now() + longest;
  shutdown(socket_, SHUT_WR);
  char forgotten[1U << 14U];
  bool sends_on = false;
  for (std::size_t taken = 0; taken < most;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock::now());
    if (left.count() <= 0) {
      break;
    }
    pollfd waiting{socket_, POLLIN, 0};
    const bool has_sent = poll(&waiting, 1, static_cast<int>(left.count())) > 0;
    const ssize_t count = has_sent ? recv(socket_, forgotten, sizeof forgotten, MSG_DONTWAIT) : 0;
    sends_on = count > 0;
    if (!sends_on) {
      break;
    }
    taken += static_cast<std::size_t>(count);
  }
  if (sends_on) {  // it would wait for a minute if closing did not reset the connection
    const linger at_once{1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  shutdown(socket_, SHUT_RDWR);
}

bool client_connection::is_closed() {
  if (!is_found()) {
    return false;
  }
  char byte = 0;
  const ssize_t waiting = recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return waiting == 0 || (waiting < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

}  // namespace offramp_serve
