/// Attributes that inference does not need: with any value, or as long as they hold the one that
/// means what the operator does anyway.
enum IgnoredAttributes {
  private enum Condition {
    case anyValue
    case int(Int64)
    case string(String)
  }

  private struct Rule {
    /// nil: of any operator.
    var op: String?
    var key: String
    var condition: Condition

    init(_ op: String?, _ key: String, _ condition: Condition) {
      (self.op, self.key, self.condition) = (op, key, condition)
    }
  }

  private static let rules = [
    // A planner's hint from before opset 6 that some exporters still write.
    Rule(nil, "consumed_inputs", .anyValue),
    // Training only.
    Rule("BatchNormalization", "is_test", .anyValue),
    // One mean a channel; 0 would be one an element.
    Rule("BatchNormalization", "spatial", .int(1)),
    Rule("Dropout", "ratio", .anyValue),
    Rule("Dropout", "seed", .anyValue),
    Rule("Dropout", "is_test", .anyValue),
    // Conversions to 8-bit floating point only.
    Rule("Cast", "saturate", .anyValue),
    Rule("Cast", "round_mode", .anyValue),
    // Computing in float32.
    Rule("GroupNormalization", "stash_type", .int(1)),
    Rule("LayerNormalization", "stash_type", .int(1)),
    Rule("RMSNormalization", "stash_type", .int(1)),
    Rule("Range", "stash_type", .int(1)),
  ]

  /// Whether the attribute can be left out of a node of that operator.
  static func allows(_ attribute: AttributeMessage, of op: String) -> Bool {
    rules.contains { rule in
      guard rule.op == nil || rule.op == op, rule.key == attribute.name else { return false }
      switch rule.condition {
      case .anyValue: return true
      case .int(let value): return attribute.kind == .int && attribute.int == value
      case .string(let value): return attribute.kind == .string && attribute.string == value
      }
    }
  }
}
