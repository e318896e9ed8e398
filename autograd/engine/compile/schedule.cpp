#include "rewind/autograd/engine/compile/schedule.h"

namespace rw::engine {

Schedule::Schedule(const LoopBody& body, const Forms& forms, const InPlace& in_place)
    : body_(body),
      forms_(forms),
      in_place_(in_place),
      level_(at(body.count()), -1),
      program_of_(at(body.count()), -1) {
  for (int n = 0; n < body.count(); n++) {
    if (forms.of(n) != Form::none) last_level_ = std::max(last_level_, level_of(n));
  }
  choose_groups();
  bring_results_forward();
  for (int level = 0; level <= last_level_; level++) {
    std::vector<Piece> pending = pieces_of(level);
    Waiting waiting;
    for (const Piece& piece : pending) waiting.insert(made_by(piece));
    while (!pending.empty()) gather(level, pending, waiting);
  }
}

// ---- levels

int Schedule::level_of(int n) {
  if (level_[at(n)] >= 0) return level_[at(n)];
  int level = 0;
  for (const ValueId x : body_.node(n).inputs) {
    if (forms_.of_value(x) != Form::none) level = std::max(level, level_of(body_.node_of(x)));
  }
  if (forms_.heavy(n)) level++;
  if (const ValueId term = in_place_.added_onto(body_.node(n).first); term >= 0) {
    level = std::max(level, level_after(term, n));
  }
  return level_[at(n)] = level;
}

// The first level at which a product can be added onto a term: when all of that is there.
int Schedule::level_after(ValueId term, int product) {
  if (forms_.of_value(term) == Form::none) return 0;
  const int n = body_.node_of(term);
  if (const ValueId begin = in_place_.sum_begins_with(term); begin >= 0) {
    const ValueId added = in_place_.product_added_onto(begin);
    return std::max(level_after(begin, product), level_after_product(added, product));
  }
  if (forms_.of(n) == Form::product) return level_after_product(term, product);
  return level_of(n) + 1;
}

// Products of one level run in the order of nodes.
int Schedule::level_after_product(ValueId earlier, int product) {
  const int n = body_.node_of(earlier);
  return level_of(n) + (n > product);
}

void Schedule::choose_groups() {
  group_.assign(at(body_.count()), last_level_);
  for (int n = body_.count(); n-- > 0;) {
    if (forms_.of(n) == Form::none) continue;
    int& group = group_[at(n)];
    if (forms_.heavy(n)) {
      group = level(n);
      continue;
    }
    const ValueId y = body_.node(n).first;
    for (const int user : body_.users(y)) {
      group = std::min(group, forms_.heavy(user) ? level(user) - 1 : group_[at(user)]);
    }
    const ValueId product = in_place_.product_added_onto(y);
    if (product >= 0 && in_place_.sum_begins_with(y) < 0) {
      group = std::min(group, level(body_.node_of(product)) - 1);
    }
  }
}

// Nothing waits for what only leaves the step: it is made where what it is made of is, rather than
// read again later.
void Schedule::bring_results_forward() {
  for (int n = 0; n < body_.count(); n++) {
    if (forms_.of(n) != Form::element && forms_.of(n) != Form::join) continue;
    if (!body_.users(body_.node(n).first).empty()) continue;
    int there = level(n);
    for (const ValueId x : body_.node(n).inputs) {
      if (forms_.of_value(x) != Form::none) there = std::max(there, group_[at(body_.node_of(x))]);
    }
    group_[at(n)] = std::min(group_[at(n)], there);
  }
}

// ---- programs

std::vector<Piece> Schedule::pieces_of(int level) const {
  std::vector<Piece> pieces;
  for (int n = 0; n < body_.count(); n++) {
    if (group_[at(n)] != level) continue;
    const ValueId y = body_.node(n).first;
    if (forms_.of(n) == Form::element && in_place_.sum_begins_with(y) < 0) {
      pieces.push_back({n, -1, body_.columns(y), forms_.number_dtype(body_.node(n))});
    }
    for (std::size_t c = 0; c < in_place_.copies().size(); c++) {
      const JoinCopy& copy = in_place_.copies()[c];
      if (copy.node != n) continue;
      const Dtype dtype = body_.spec(copy.part).dtype;
      pieces.push_back({-1, static_cast<int>(c), body_.columns(copy.part), dtype});
    }
  }
  return pieces;
}

// Takes all pieces of one width that can run one after the other; of very many, some: a program
// numbers its values with 16 bits, and to simplify it takes the square of its length.
void Schedule::gather(int level, std::vector<Piece>& pending, Waiting& waiting) {
  constexpr std::size_t kMostPieces = 512;
  auto next = std::find_if(pending.begin(), pending.end(),
                           [&](const Piece& piece) { return ready(piece, waiting); });
  const Piece model = *next;
  Gathered program{level, {}};
  Waiting made;  // by this program
  while (next != pending.end() && program.pieces.size() < kMostPieces) {
    program.pieces.push_back(*next);
    if (next->node >= 0) program_of_[at(next->node)] = static_cast<int>(programs_.size());
    waiting.erase(made_by(*next));
    made.insert(made_by(*next));
    pending.erase(next);
    next = std::find_if(pending.begin(), pending.end(), [&](const Piece& piece) {
      return piece.columns == model.columns && piece.dtype == model.dtype &&
             ready(piece, waiting) && !reads_a_part(piece, made);
    });
  }
  programs_.push_back(std::move(program));
}

// A value, or a copy, which has no value of its own: its number stands for it, negative.
int Schedule::made_by(const Piece& piece) const {
  return piece.copy >= 0 ? -1 - piece.copy : body_.node(piece.node).first;
}

std::span<const ValueId> Schedule::read_by(const Piece& piece) const {
  if (piece.copy >= 0) return {&in_place_.copies()[at(piece.copy)].part, 1};
  return body_.node(piece.node).inputs;
}

bool Schedule::ready(const Piece& piece, const Waiting& waiting) const {
  const auto in = read_by(piece);
  return std::none_of(in.begin(), in.end(), [&](ValueId x) { return rests_on(x, waiting); });
}

// Whether it reads another view of what a program makes, a column of it, say: that is there for all
// only when the program has ended, since a program goes on block by block and spreads columns out
// before all else.
bool Schedule::reads_a_part(const Piece& piece, const Waiting& made) const {
  const auto in = read_by(piece);
  return std::any_of(in.begin(), in.end(),
                     [&](ValueId x) { return !made.contains(x) && rests_on(x, made); });
}

// Whether a value is complete only when some of these are there.
bool Schedule::rests_on(ValueId value, const Waiting& waiting) const {
  if (waiting.contains(value)) return true;
  if (const ValueId begin = in_place_.sum_begins_with(value); begin >= 0) {
    return rests_on(begin, waiting);
  }
  const Form form = forms_.of_value(value);
  if (form != Form::view && form != Form::join) return false;
  for (std::size_t c = 0; c < in_place_.copies().size(); c++) {
    if (in_place_.copies()[c].whole == value && waiting.contains(-1 - static_cast<int>(c))) {
      return true;
    }
  }
  const auto& in = body_.graph().maker(value)->inputs;
  return std::any_of(in.begin(), in.end(), [&](ValueId x) { return rests_on(x, waiting); });
}

}  // namespace rw::engine
