"""Mining recipes: from photographs or prompts to verified triplets."""
