#include "rewind/autograd/engine/compile/places.h"

#include "rewind/tensor/views.h"

namespace rw::engine {

Places::Places(const LoopBody& body, const Forms& forms, const InPlace& in_place,
               const Schedule& schedule, const ProgramOptions& options)
    : body_(body), forms_(forms), in_place_(in_place), schedule_(schedule), options_(options) {
  places_.resize(at(body.graph().values()));
  for (int n = 0; n < body.count(); n++) {
    if (!has(body.node(n).first)) place_node(n);
  }
}

Place Places::new_buffer(Buffer::Kind kind, ValueId value) {
  buffers_.push_back(
      {kind, value, body_.spec(value).dtype, body_.columns(value), body_.has_rows(value)});
  return {static_cast<int>(buffers_.size()) - 1, 0};
}

Place Places::new_stack_of_rows(ValueId value) {
  const Spec& spec = body_.spec(value);
  const Index width = spec.shape.count() / std::max<Index>(body_.rows().batch, 1);
  buffers_.push_back({Buffer::stack, value, spec.dtype, width, true});
  return {static_cast<int>(buffers_.size()) - 1, 0};
}

Place Places::of(ValueId value) {
  if (!has(value)) {
    if (forms_.of_value(value) == Form::none) {
      places_[at(value)] = of_source(value);
    } else {
      place_node(body_.node_of(value));  // a term may stand behind its sum
    }
  }
  return places_[at(value)].value();
}

Place Places::of_source(ValueId value) {
  const int n = body_.node_of(value);
  if (n >= 0 && body_.fates().node[at(n)] == Fate::before) return new_buffer(Buffer::before, value);
  if (contains(body_.step().inputs, value)) return new_buffer(Buffer::input, value);
  if (contains(body_.step().states, value)) return new_buffer(Buffer::state, value);
  return new_buffer(Buffer::constant, value);
}

Buffer::Kind Places::memory_for(ValueId value) const {
  const bool all_steps = body_.stacked(value) || in_place_.needs_stack(value);
  return all_steps || is_stacked_state(value) ? Buffer::stack : Buffer::local;
}

// Remembering what steps begin with is remembering what they end with.
bool Places::is_stacked_state(ValueId next) const {
  const Step& step = body_.step();
  for (std::size_t k = 0; k < step.next.size(); k++) {
    if (step.next[k] == next && body_.stacked(step.states[k])) return true;
  }
  return false;
}

void Places::place_node(int n) {
  const Graph::Node& node = body_.node(n);
  const ValueId y = node.first;
  switch (forms_.of(n)) {
    case Form::none:
      break;
    case Form::view: {
      Place part = of(node.inputs[0]);
      part.column += forms_.first_column(n);
      places_[at(y)] = part;
      break;
    }
    case Form::join:
      places_[at(y)] = new_buffer(memory_for(y), y);
      break;
    case Form::product:
      place_product(y);
      break;
    case Form::element:
      if (is_float(body_.spec(y).dtype)) place_element(n);
      break;
    case Form::ordinary:
      for (int i = 0; i < node.results; i++) {
        places_[at(y + i)] = new_buffer(Buffer::made, y + i);
      }
      break;
  }
}

void Places::place_product(ValueId y) {
  if (const ValueId term = in_place_.added_onto(y); term >= 0) {
    places_[at(y)] = of(term);
  } else if (const auto* part = in_place_.inside(y)) {
    places_[at(y)] = inside(*part);
  } else {
    places_[at(y)] = new_buffer(memory_for(y), y);
  }
}

void Places::place_element(int n) {
  const ValueId y = body_.node(n).first;
  if (const ValueId begin = in_place_.sum_begins_with(y); begin >= 0) {
    places_[at(y)] = of(begin);
  } else if (const auto* part = in_place_.inside(y)) {
    places_[at(y)] = inside(*part);
  } else if (needs_memory(n)) {
    const std::optional<Place> over = over_an_operand(n);
    places_[at(y)] = over ? *over : new_buffer(memory_for(y), y);
  }
}

Place Places::inside(const InPlace::Inside& part) {
  const Place whole = of(part.whole);
  return {whole.buffer, whole.column + part.column};
}

// Whether anybody reads it outside of the program that makes it.
bool Places::needs_memory(int n) const {
  const ValueId y = body_.node(n).first;
  const auto& users = body_.users(y);
  return body_.leaves_the_step(y) || std::any_of(users.begin(), users.end(), [&](int user) {
           return forms_.of(user) != Form::element ||
                  schedule_.program_of(user) != schedule_.program_of(n);
         });
}

std::optional<Place> Places::over_an_operand(int n) {
  if (!options_.alias || is_stacked_state(body_.node(n).first)) return {};
  for (const ValueId x : body_.node(n).inputs) {
    const bool read_once = body_.users(x).size() == 1 && !body_.leaves_the_step(x);
    if (body_.spec(x) != body_.spec(body_.node(n).first) || !read_once) continue;
    if (may_be_overwritten(viewed(x), x)) return of(x);
  }
  return {};
}

ValueId Places::viewed(ValueId x) const {
  while (forms_.of_value(x) == Form::view) x = body_.graph().maker(x)->inputs[0];
  return x;
}

// Whether nobody but the one reader of `part` reads that part of `whole`, which lies in memory of
// all steps that work before the loop has filled.
bool Places::may_be_overwritten(ValueId whole, ValueId part) const {
  ValueId begin = whole;
  while (in_place_.sum_begins_with(begin) >= 0) begin = in_place_.sum_begins_with(begin);
  if (forms_.of_value(begin) != Form::none || !in_place_.is_private(begin)) return false;
  if (whole == part) return true;
  if (body_.leaves_the_step(whole)) return false;

  const Graph::Node& own = *body_.graph().maker(part);
  const auto* mine = own.operation.as<Slice>();
  if (own.inputs[0] != whole || !mine) return false;
  const auto& users = body_.users(whole);
  return std::all_of(users.begin(), users.end(), [&](int user) {
    if (body_.node(user).first == part) return true;
    return is_slice_beside(body_.node(user).operation, *mine);
  });
}

}  // namespace rw::engine
