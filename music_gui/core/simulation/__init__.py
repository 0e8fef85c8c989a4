"""Made-up people, genotypes and grey-matter maps whose truth is known: the example study."""
