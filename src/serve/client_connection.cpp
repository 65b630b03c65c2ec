// SPDX-License-Identifier: Apache-2.0
#include "client_connection.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
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

void client_connection::shut_down() {
  if (is_found()) {
    shutdown(socket_, SHUT_RDWR);
  }
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
