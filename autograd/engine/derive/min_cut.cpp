// Max-flow by shortest augmenting paths (Edmonds and Karp, J. ACM 19(2), 1972). Each value is two
// vertices, joined by an edge of its price; all other edges are without limit. After the flow, what
// can still reach the readers along edges with room lies on their side; the values that are cut
// through are the answer. The graphs have a few hundred values, so simple is fast enough.
#include "rewind/autograd/engine/derive/min_cut.h"

#include <algorithm>
#include <limits>

namespace rw::engine {
namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

// Of a value without numbers. An edge without room would look cut where nothing flows through it.
constexpr double kLeastPrice = 0.25;

struct Arc {
  int to;
  double room;
  int reverse;  // position among the arcs of `to`
};

class Network {
 public:
  explicit Network(int vertices) : arcs_(static_cast<std::size_t>(vertices)) {}

  void connect(int from, int to, double room) {
    auto& out = arcs_[static_cast<std::size_t>(from)];
    auto& back = arcs_[static_cast<std::size_t>(to)];
    out.push_back({to, room, static_cast<int>(back.size())});
    back.push_back({from, 0, static_cast<int>(out.size()) - 1});
  }

  // Pushes flow until there is no way left.
  void saturate(int from, int to) {
    while (true) {
      std::vector<std::pair<int, int>> came(arcs_.size(), {-1, -1});  // vertex, arc
      std::vector<int> queue{from};
      came[static_cast<std::size_t>(from)] = {from, -1};
      for (std::size_t i = 0; i < queue.size(); i++) {
        const auto& out = arcs_[static_cast<std::size_t>(queue[i])];
        for (std::size_t k = 0; k < out.size(); k++) {
          auto& previous = came[static_cast<std::size_t>(out[k].to)];
          if (previous.first >= 0 || out[k].room <= 0) continue;
          previous = {queue[i], static_cast<int>(k)};
          queue.push_back(out[k].to);
        }
      }
      if (came[static_cast<std::size_t>(to)].first < 0) return;
      double flow = kUnlimited;
      walk(came, from, to, [&](Arc& arc) { flow = std::min(flow, arc.room); });
      walk(came, from, to, [&](Arc& arc) {
        arc.room -= flow;
        arcs_[static_cast<std::size_t>(arc.to)][static_cast<std::size_t>(arc.reverse)].room += flow;
      });
    }
  }

  // The vertices from which `to` can be reached along arcs with room.
  std::vector<bool> side_of(int to) const {
    std::vector<bool> on_side(arcs_.size(), false);
    std::vector<int> queue{to};
    on_side[static_cast<std::size_t>(to)] = true;
    for (std::size_t i = 0; i < queue.size(); i++) {
      for (const Arc& back : arcs_[static_cast<std::size_t>(queue[i])]) {
        const auto& into =
            arcs_[static_cast<std::size_t>(back.to)][static_cast<std::size_t>(back.reverse)];
        if (into.room <= 0 || on_side[static_cast<std::size_t>(back.to)]) continue;
        on_side[static_cast<std::size_t>(back.to)] = true;
        queue.push_back(back.to);
      }
    }
    return on_side;
  }

 private:
  template <class F>
  void walk(const std::vector<std::pair<int, int>>& came, int from, int to, F f) {
    for (int at = to; at != from;) {
      const auto [previous, arc] = came[static_cast<std::size_t>(at)];
      f(arcs_[static_cast<std::size_t>(previous)][static_cast<std::size_t>(arc)]);
      at = previous;
    }
  }

  std::vector<std::vector<Arc>> arcs_;
};

}  // namespace

std::vector<int> min_cut(const CutProblem& problem) {
  const int values = static_cast<int>(problem.prices.size());
  const int source = 2 * values, sink = source + 1;
  Network network(2 * values + 2);
  for (int v = 0; v < values; v++) {
    const auto at = static_cast<std::size_t>(v);
    network.connect(2 * v, 2 * v + 1, std::max(problem.prices[at], kLeastPrice));
    if (problem.source[at]) network.connect(source, 2 * v, kUnlimited);
    if (problem.read[at]) network.connect(2 * v + 1, sink, kUnlimited);
    for (const int x : problem.inputs[at]) network.connect(2 * x + 1, 2 * v, kUnlimited);
  }
  network.saturate(source, sink);
  const std::vector<bool> readers = network.side_of(sink);
  std::vector<int> cut;
  for (int v = 0; v < values; v++) {
    const auto in = static_cast<std::size_t>(2 * v);
    if (readers[in + 1] && !readers[in]) cut.push_back(v);
  }
  return cut;
}

}  // namespace rw::engine
